// What somebody wrote and did not save: it is there again when he comes back to the view, as long as the page is open.
// The tag of what it was written upon goes with it, so that nobody else's change is written over.

export interface Draft<T> {
  value: T;
  tag: string | null;
}

const kept = new Map<string, Draft<unknown>>();

export function draftOf<T>(key: string): Draft<T> | undefined {
  return kept.get(key) as Draft<T> | undefined;
}

export function keepDraft<T>(key: string, draft: Draft<T> | null): void {
  if (draft) kept.set(key, draft);
  else kept.delete(key);
}

// Whoever closes the window with something unsaved is asked by the browser.
addEventListener('beforeunload', (event) => {
  if (kept.size) event.preventDefault();
});
