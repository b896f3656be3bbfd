// What somebody wrote and did not save: it is there again when he comes back to the view, also after a reload, as long as
// the window is open and nobody else signs in. The tag of what it was written upon goes with it, so that nobody else's
// change is written over.

export interface Draft<T> {
  value: T;
  tag: string | null;
}

/** By their keys. */
type Drafts = [string, Draft<unknown>][];

/** As the window keeps them: read only by the page that wrote them, for whom they are. */
interface Kept {
  page: string;
  whose: string;
  drafts: Drafts;
}

const ITEM = 'bootwright-drafts';
/** Its name says which build it is: another one may write its drafts otherwise. */
const PAGE = document.querySelector<HTMLScriptElement>('script[type=module][src]')?.src ?? '';

let kept = new Map<string, Draft<unknown>>();
let whose = '';

/** Those of whoever is signed in now. */
export function draftsFor(name: string): void {
  if (name === whose) return;
  whose = name;
  kept = new Map(read());
  write();
}

/** Whoever signs out leaves nothing behind. */
export function forgetDrafts(): void {
  kept.clear();
  whose = '';
  write();
}

export function draftOf<T>(key: string): Draft<T> | undefined {
  return kept.get(key) as Draft<T> | undefined;
}

export function keepDraft<T>(key: string, draft: Draft<T> | null): void {
  if (!draft && !kept.has(key)) return;
  if (draft) kept.set(key, draft);
  else kept.delete(key);
  write();
}

function read(): Drafts {
  try {
    const all = JSON.parse(sessionStorage.getItem(ITEM) ?? 'null') as Kept | null;
    return all && all.page === PAGE && all.whose === whose ? all.drafts : [];
  } catch {
    return [];
  }
}

function write(): void {
  try {
    if (kept.size) sessionStorage.setItem(ITEM, JSON.stringify({ page: PAGE, whose, drafts: [...kept] } satisfies Kept));
    else sessionStorage.removeItem(ITEM);
  } catch {
    // Full, or forbidden: as long as the page is open they are here.
  }
}

// Whoever closes the window with something unsaved is asked by the browser.
addEventListener('beforeunload', (event) => {
  if (kept.size) event.preventDefault();
});
