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
  { path: '/profiles', title: t.profiles.title, load: () => import('../views/profiles/Profiles.svelte'), nav: { icon: 'profile' } },
  { path: '/profiles/{name}', title: t.profiles.one, load: () => import('../views/profiles/Profile.svelte'), of: '/profiles' },
  { path: '/rules', title: t.rules.title, load: () => import('../views/rules/Rules.svelte'), nav: { icon: 'rules' } },
  { path: '/templates', title: t.templates.title, load: () => import('../views/templates/Templates.svelte'), nav: { icon: 'template' } },
  { path: '/templates/{name}', title: t.templates.one, load: () => import('../views/templates/Template.svelte'), of: '/templates' },
  { path: '/menu', title: t.menus.title, load: () => import('../views/menu/Menu.svelte'), nav: { icon: 'screen' } },
];

/** What is shown at `/`. */
export const HOME = '/now';

/** The view at this path. */
export function viewAt(path: string): View | undefined {
  const at = path === '/' ? HOME : path;
  return views.find((one) => match(one.path, at));
}
