// The words of the page. A translation is a file beside `en.ts` of the same shape, chosen here.

import { en } from './en';

export type Texts = typeof en;
export const language = 'en';
export const t: Texts = en;
document.documentElement.lang = language;
