// The comparison of looks fails when it should: a panel that is hidden, covered or emptied is a difference; another
// font, or letters a little wider, is none. And the check of places sees what stands out or overlaps.

import { layout } from '../layout.mjs';
import { compare, lookOf, read, written } from '../looks.mjs';
import { check } from '../world.mjs';

export default async function (world) {
  const { page } = world;
  for (const path of ['/images/debian-12', '/machines/lab-010']) {
    const fresh = async () => {
      await world.goto(path);
      await page.locator('section.card').first().waitFor();
      await world.quiet();
    };
    const picture = async () => {
      const masks = await world.moving();
      return lookOf(await page.screenshot(), masks);
    };
    /** How it looks, after something was done to the page, beside how it looked. */
    const after = async (change) => {
      await fresh();
      const was = await picture();
      await page.evaluate(change);
      await page.waitForTimeout(100);
      return compare(was, await picture()).says;
    };
    const differs = async (what, change) => check((await after(change)).length > 0, `${path}: nobody sees that ${what}`);
    const same = async (what, change) => {
      const says = await after(change);
      check(says.length === 0, `${path}: ${what} is taken for a difference: ${says.join('; ')}`);
    };

    await same('nothing', () => undefined);
    await same('other spaces between letters', () => (document.documentElement.style.fontKerning = 'none'));
    // Where a line breaks elsewhere for it, that is a difference: a machine's page has such lines.
    if (path.startsWith('/images')) await same('wider letters', () => (document.documentElement.style.letterSpacing = '0.012em'));
    await same('other weights', () => document.querySelectorAll('h1, h2, h3, strong').forEach((one) => (one.style.fontWeight = '750')));

    await differs('a panel is hidden', () => (document.querySelectorAll('section.card')[0].style.visibility = 'hidden'));
    await differs('a panel is gone', () => document.querySelectorAll('section.card')[1].remove());
    await differs('the words of a panel are gone', () => document.querySelectorAll('section.card')[0].querySelectorAll('*').forEach((one) => (one.style.color = 'transparent')));
    await differs('the heading is gone', () => (document.querySelector('h1').style.visibility = 'hidden'));
    await differs('the buttons are gone', () => (document.querySelector('.actions').style.visibility = 'hidden'));
    await differs('one panel covers another', () => {
      const [one, other] = document.querySelectorAll('.columns > .stack');
      other.style.transform = `translateX(${-one.getBoundingClientRect().width / 2}px)`;
    });
    await differs('the navigation is gone', () => (document.querySelector('nav').style.visibility = 'hidden'));

    // What is kept is what was seen.
    await fresh();
    const look = await picture();
    check(JSON.stringify(read(written(look))) === JSON.stringify(look), 'a look that is written and read is another one');
    check((await page.evaluate(layout)).length === 0, 'everything has its place');
    await page.evaluate(() => {
      const long = document.createElement('p');
      long.textContent = 'W'.repeat(400);
      document.querySelector('section.card').append(long);
      long.style.width = '4000px';
    });
    check((await page.evaluate(layout)).some((one) => one.includes('out of')), 'nobody sees what stands out');
    await fresh();
    await page.evaluate(() => (document.querySelectorAll('.actions .button')[1].style.marginLeft = '-60px'));
    check((await page.evaluate(layout)).some((one) => one.includes('overlap')), 'nobody sees what overlaps');
  }
}
