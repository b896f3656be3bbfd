// Addresses: every view has one, and what is chosen in it stands in its query.

class Router {
  path = $state(location.pathname);
  query = $state.raw(new URLSearchParams(location.search));

  constructor() {
    addEventListener('popstate', () => this.read());
    addEventListener('click', (event) => this.follow(event));
  }

  go(to: string, how: { replace?: boolean } = {}): void {
    const url = new URL(to, location.origin);
    const same = url.pathname === location.pathname;
    history[how.replace ? 'replaceState' : 'pushState'](null, '', url);
    this.read();
    if (!same) scrollTo(0, 0);
  }

  /** Says in the address what is chosen, without a step back for each letter. */
  choose(chosen: Record<string, string | null | undefined>): void {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(chosen)) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    const text = query.toString();
    this.go(location.pathname + (text ? `?${text}` : ''), { replace: true });
  }

  private read(): void {
    this.path = location.pathname;
    this.query = new URLSearchParams(location.search);
  }

  /** Links stay links: a new tab, a copied address and a middle click are the browser's. */
  private follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
      return;
    const link = (event.target as Element | null)?.closest?.('a[href]');
    if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute('download')) return;
    if (link.origin !== location.origin || link.pathname.startsWith('/api/')) return;
    event.preventDefault();
    this.go(link.pathname + link.search + link.hash);
  }
}

export const router = new Router();

/** `/machines/{machine}` and `/machines/52%3A54` as `{ machine: '52:54' }`; null if they do not fit. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const [wanted, has] = [pattern.split('/'), path.replace(/(.)\/$/, '$1').split('/')];
  if (wanted.length !== has.length) return null;
  const found: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const is = has[at] ?? '';
    if (part.startsWith('{')) {
      try {
        found[part.slice(1, -1)] = decodeURIComponent(is);
      } catch {
        return null;
      }
    } else if (part !== is) return null;
  }
  return found;
}
