// Whether everything has its place: run inside the page, gives what has none, in words.

/** How wide a window is looked at: a small phone, a tablet, a desk. */
export const WIDTHS = [360, 768, 1280];

export function layout() {
  const found = [];
  const named = (one) => {
    const text = (one.getAttribute('aria-label') ?? one.textContent ?? '').trim().replace(/\s+/g, ' ').slice(0, 40);
    const classes = [...one.classList].filter((name) => !name.startsWith('svelte-')).join('.');
    return `<${one.tagName.toLowerCase()}${classes ? `.${classes}` : ''}> ${text}`;
  };
  const unseen = (one) => one.closest('.unseen, .skip, [hidden], svg, option, datalist');
  // A dialog is all there is as long as it is open.
  const root = document.querySelector('dialog[open]') ?? document.body;

  /** What of it can be seen: cut by everything around it that cuts. */
  const seen = (one) => {
    let { left, top, right, bottom } = one.getBoundingClientRect();
    for (let above = one.parentElement; above; above = above.parentElement) {
      if (getComputedStyle(above).overflow === 'visible') continue;
      const box = above.getBoundingClientRect();
      [left, top, right, bottom] = [Math.max(left, box.left), Math.max(top, box.top), Math.min(right, box.right), Math.min(bottom, box.bottom)];
    }
    [left, top, right, bottom] = [Math.max(left, 0), Math.max(top, 0), Math.min(right, innerWidth), Math.min(bottom, innerHeight)];
    return right - left > 1 && bottom - top > 1 ? { left, top, right, bottom } : null;
  };

  for (const one of root.querySelectorAll('*')) {
    const parent = one.parentElement;
    if (!parent || unseen(one) || !one.getClientRects().length) continue;
    const style = getComputedStyle(one);
    const around = getComputedStyle(parent);
    if (['absolute', 'fixed'].includes(style.position) || style.display === 'contents' || around.display === 'contents') continue;
    if (around.overflowX !== 'visible' || around.display.startsWith('inline')) continue;
    const [box, outer] = [one.getBoundingClientRect(), parent.getBoundingClientRect()];
    // A negative margin is meant so.
    const by = (margin) => Math.max(0, -(Number.parseFloat(margin) || 0));
    const over = Math.max(box.right - outer.right - by(style.marginRight), outer.left - box.left - by(style.marginLeft));
    if (over > 1) found.push(`${named(one)} stands ${Math.round(over)} px out of ${named(parent)}`);
  }

  const ACTS = 'a[href], button, input, select, textarea, summary, label.button, [role="button"], [role="slider"]';
  const fixed = (one) => {
    for (let above = one; above && above !== root; above = above.parentElement)
      if (['sticky', 'fixed'].includes(getComputedStyle(above).position)) return true;
    return false;
  };
  const acts = [];
  for (const one of root.querySelectorAll(ACTS)) {
    const box = !unseen(one) && getComputedStyle(one).visibility !== 'hidden' && !fixed(one) ? seen(one) : null;
    if (box) acts.push({ one, box });
  }
  acts.sort((a, b) => a.box.top - b.box.top);
  for (const [at, a] of acts.entries())
    for (const b of acts.slice(at + 1)) {
      if (b.box.top >= a.box.bottom - 1) break;
      if (a.one.contains(b.one) || b.one.contains(a.one)) continue;
      const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      if (wide > 1 && high > 1) found.push(`${named(a.one)} and ${named(b.one)} overlap`);
    }
  return found.slice(0, 12);
}
