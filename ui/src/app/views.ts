// Every view, as data: where it is, how it is drawn, and whether it stands in the navigation. A new one is a line
// here, a folder below `views`, and its words in `texts`.

import type { Component } from 'svelte';
import { t } from '../texts';
import type { IconName } from '../lib/icons';
import { match } from './router.svelte';

export interface View {
  /** Names in braces become properties of the component. */
  path: string;
  title: string;
  load: () => Promise<{ default: Component<any> }>;
  /** Its place in the navigation; none for what is reached from elsewhere. */
  nav?: { icon: IconName };
  /** The entry of the navigation that it belongs to. */
  of?: string;
}

export const views: View[] = [
  { path: '/now', title: t.now.title, load: () => import('../views/now/Now.svelte'), nav: { icon: 'pulse' } },
  {
    path: '/machines',
    title: t.machines.title,
    load: () => import('../views/machines/Machines.svelte'),
    nav: { icon: 'machines' },
  },
  {
    path: '/machines/{machine}',
    title: t.machines.one,
    load: () => import('../views/machines/Machine.svelte'),
    of: '/machines',
  },
  { path: '/images', title: t.images.title, load: () => import('../views/images/Images.svelte'), nav: { icon: 'images' } },
  { path: '/images/{image}', title: t.images.one, load: () => import('../views/images/Image.svelte'), of: '/images' },
];

/** What is shown at `/`. */
export const HOME = '/now';

/** The view at this path. */
export function viewAt(path: string): View | undefined {
  const at = path === '/' ? HOME : path;
  return views.find((one) => match(one.path, at));
}
