// A slow computer at a bad line: BOOTWRIGHT_UI_SLOW=SEED. What takes the page no time elsewhere takes it four times as
// long, and what it asks leaves up to 400 ms late, so that answers come when nobody counts on them and in another order.
// Whatever a step reads before it is there shows by that. The seed says how late each request is.

/** The seed; null where nothing is slowed. */
export const SLOW = process.env.BOOTWRIGHT_UI_SLOW || null;

/** How many times as long everything takes in the page. */
const CPU = 4;
const LATE_MS_MAX = 400;
/** A header of what a step asks by itself: it is not late, so that it finds what was not waited for. */
const AT_ONCE = 'x-at-once';

export const atOnce = SLOW ? { [AT_ONCE]: '1' } : {};

let state = [...(SLOW ?? '')].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, 17);

/** From 0 to 1, by the seed alone (mulberry32). */
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let next = Math.imul(state ^ (state >>> 15), 1 | state);
  next = (next + Math.imul(next ^ (next >>> 7), 61 | next)) ^ next;
  return ((next ^ (next >>> 14)) >>> 0) / 2 ** 32;
}

async function late(request) {
  if (!request.headers()[AT_ONCE]) await new Promise((then) => setTimeout(then, random() * LATE_MS_MAX));
}

/** Slows a page, and what steps answer in the server's place. */
export async function slow(context, page) {
  if (!SLOW) return;
  await context.route('**/api/v1/**', async (route) => {
    await late(route.request());
    // Whoever asked may be gone by now.
    await route.continue().catch(() => undefined);
  });
  const answer = page.route.bind(page);
  page.route = (what, how) =>
    answer(what, async (route) => {
      await late(route.request());
      await how(route);
    });
  const line = await context.newCDPSession(page);
  await line.send('Emulation.setCPUThrottlingRate', { rate: CPU });
}
