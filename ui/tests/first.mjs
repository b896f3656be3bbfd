// From the one-time link to the first machine that loads a system, by the page alone: node tests/first.mjs URL
// FIRST-LINK OUT MAC IMAGE-PATH. It says `watching` when the machine may be switched on, `menu` when somebody may choose
// on its screen, and how long all of it took. Started by `cargo test -p lab --test firmware page`.

import { alone, begin } from './alone.mjs';
import { check, World } from './world.mjs';

const [url, first, out, mac, image] = process.argv.slice(2);
/** A machine under an emulator on a busy host takes its time. */
const PATIENCE_MS = 300_000;
/** What the first steps promise. */
const PROMISED_MS = 300_000;

async function start(world) {
  const { page } = world;
  const next = () => page.getByRole('link', { name: 'Go on', exact: true }).or(page.getByRole('button', { name: 'Go on', exact: true })).click();
  const began = Date.now();
  await begin(world, first);
  await page.getByRole('heading', { name: 'What this network looks like' }).waitFor();
  await next();
  await page.getByRole('heading', { name: 'Who gives addresses?' }).waitFor();
  await world.waitFor(() => page.getByRole('radio', { name: /This server does/ }).isChecked(), 'nobody else is here, so this server gives addresses');
  await next();
  await page.getByRole('heading', { name: 'What shall be booted?' }).waitFor();
  await page.getByRole('radio', { name: 'In a file or folder of the server' }).check();
  await page.getByLabel('Path on the server').fill(image);
  await page.getByLabel('Name').fill('debian');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByText('One image is there already:').waitFor({ timeout: PATIENCE_MS });
  await page.screenshot({ path: `${out}/first-image.png` });
  await next();
  await page.getByText('Waiting for a machine …').waitFor();
  console.log('watching');

  const stage = (name) => page.locator('li', { hasText: mac }).locator('[aria-current=step]', { hasText: name });
  await stage('is told what to boot').waitFor({ timeout: PATIENCE_MS });
  console.log('menu');
  console.log(`it was told after ${Date.now() - began} ms`);
  await stage('loads the system').waitFor({ timeout: PATIENCE_MS });
  const took = Date.now() - began;
  console.log(`it loads a system after ${took} ms`);
  await page.getByText('Your first machine boots.', { exact: false }).waitFor();
  await page.screenshot({ path: `${out}/first-machine.png`, fullPage: true });
  check(took < PROMISED_MS, `it took ${took} ms`);
  await world.settled();
}

await alone(await World.open(url, out), 'first', start);
