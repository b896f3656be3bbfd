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
  { path: '/boots', title: t.boots.title, load: () => import('../views/boots/Boots.svelte'), nav: { icon: 'boots' } },
  { path: '/boots/{boot}', title: t.boots.one, load: () => import('../views/boots/Boot.svelte'), of: '/boots' },
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
  { path: '/profiles', title: t.profiles.title, load: () => import('../views/profiles/Profiles.svelte'), nav: { icon: 'profile' } },
  { path: '/profiles/{name}', title: t.profiles.one, load: () => import('../views/profiles/Profile.svelte'), of: '/profiles' },
  { path: '/rules', title: t.rules.title, load: () => import('../views/rules/Rules.svelte'), nav: { icon: 'rules' } },
  { path: '/templates', title: t.templates.title, load: () => import('../views/templates/Templates.svelte'), nav: { icon: 'template' } },
  { path: '/templates/{name}', title: t.templates.one, load: () => import('../views/templates/Template.svelte'), of: '/templates' },
  { path: '/menu', title: t.menus.title, load: () => import('../views/menu/Menu.svelte'), nav: { icon: 'screen' } },
  { path: '/networks', title: t.networks.title, load: () => import('../views/networks/Networks.svelte'), nav: { icon: 'networks' } },
  { path: '/names', title: t.names.title, load: () => import('../views/names/Names.svelte'), nav: { icon: 'names' } },
  { path: '/leases', title: t.leases.title, load: () => import('../views/leases/Leases.svelte'), nav: { icon: 'leases' } },
  { path: '/operations', title: t.operations.title, load: () => import('../views/operations/Operations.svelte'), nav: { icon: 'operations' } },
  { path: '/operations/{part}', title: t.operations.title, load: () => import('../views/operations/Operations.svelte'), of: '/operations' },
  { path: '/start', title: t.start.title, load: () => import('../views/start/Start.svelte') },
  { path: '/account', title: t.account.title, load: () => import('../views/account/Account.svelte') },
];

/** What is shown at `/`. */
export const HOME = '/now';

/** The view at this path. */
export function viewAt(path: string): View | undefined {
  const at = path === '/' ? HOME : path;
  return views.find((one) => match(one.path, at));
}
