// What a run with a real machine has beside its one story: its first page and its end.

import { ADMIN } from './steps/10-first.mjs';
import { Failed } from './world.mjs';

/** From the one-time link to whatever comes first after it. */
export async function begin(world, link) {
  const { page } = world;
  await world.goto(new URL(link).pathname);
  await page.getByLabel('Name').fill(ADMIN.name);
  await page.getByLabel('Password', { exact: true }).fill(ADMIN.password);
  await page.getByLabel('The same again').fill(ADMIN.password);
  await page.getByRole('button', { name: 'Make me' }).click();
}

/** Runs the story, says how it ended, and ends. */
export async function alone(world, name, story) {
  let failed = 0;
  try {
    await story(world);
    console.log('followed');
  } catch (error) {
    failed = 1;
    await world.page.screenshot({ path: `${world.out}/failed-${name}.png`, fullPage: true }).catch(() => undefined);
    console.log(`FAILED: ${error instanceof Failed ? error.message : error.stack}`);
  }
  await world.browser.close();
  process.exit(failed);
}
