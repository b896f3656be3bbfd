// A file is sent: how far it is, a line that breaks, a page that is loaded again, another file in its place; then it
// is imported, and every byte of it is there.

import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../world.mjs';

const MIB = 1024 * 1024;

export default async function (world) {
  const { page } = world;
  const bytes = Buffer.concat([randomBytes(MIB), Buffer.alloc(238 * MIB, 7), randomBytes(MIB)]);
  const file = join(world.out, 'lab-disk.img');
  const other = join(world.out, 'other.img');
  writeFileSync(file, bytes);
  writeFileSync(other, bytes.subarray(0, MIB));
  /** Where each request began. */
  const offsets = [];
  page.on('request', (request) => {
    if (request.method() === 'PATCH') offsets.push(Number(request.headers()['upload-offset']));
  });
  const line = await page.context().newCDPSession(page);
  await line.send('Network.enable');
  const network = (uploadThroughput, offline = false) =>
    line.send('Network.emulateNetworkConditions', { offline, latency: 0, downloadThroughput: -1, uploadThroughput });

  // What steps before imported is no affair of this one.
  for (const one of await world.api('GET', '/imports')) await world.api('DELETE', `/imports/${one.id}`);
  await world.goto('/images');
  await page.getByRole('grid').waitFor();
  await page.getByRole('button', { name: 'Add image' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('A file of this computer').waitFor();
  await world.look('image-add');
  check(await dialog.getByRole('button', { name: 'Send it' }).isDisabled(), 'nothing is sent without a file');
  await dialog.getByLabel('File', { exact: true }).setInputFiles(file);
  await world.waitFor(async () => (await dialog.getByLabel('Name of the image').inputValue()) === 'lab-disk', 'it is called as its file');
  await world.look('image-add-file');
  await network(6 * MIB);
  await dialog.getByRole('button', { name: 'Send it' }).click();
  await dialog.waitFor({ state: 'detached' });
  const ways = page.getByRole('region', { name: 'On their way' });
  await ways.getByText(/MiB\/s · .* left/).waitFor();
  await world.waitFor(() => offsets.length > 1, 'the first piece is safe');
  await world.look('images-sending');

  // The line breaks, and is there again.
  await network(-1, true);
  await ways.getByText('connection lost, trying again').waitFor();
  await world.look('images-lost');
  await network(6 * MIB);
  await ways.getByText('sending', { exact: true }).waitFor();
  await ways.getByRole('button', { name: 'Pause' }).click();
  await ways.getByText('paused', { exact: true }).waitFor();

  // The page is loaded anew: it has the file no more, the server has what came.
  const [upload] = await world.api('GET', '/uploads');
  check(upload.offset > 0 && !upload.whole, `it stands at ${upload.offset}`);
  await page.reload();
  await ways.getByText('waiting for its file').waitFor();
  await ways.getByText('as image lab-disk').waitFor();
  await world.look('images-away');
  await ways.locator('input[type=file]').setInputFiles(other);
  await ways.getByText('This is another file', { exact: false }).waitFor();
  offsets.length = 0;
  await network(-1);
  // What was on its way when it was paused may come to be safe at any moment: what counts is what the page was told.
  const told = page.waitForResponse((answer) => answer.request().method() === 'GET' && answer.url().endsWith(`/uploads/${upload.id}`));
  await ways.locator('input[type=file]').setInputFiles(file);
  const kept = await (await told).json();
  check(kept.offset >= upload.offset, `of ${upload.offset} bytes there are ${kept.offset}`);
  await page.getByRole('grid').getByText('lab-disk', { exact: true }).waitFor({ timeout: 180_000 });
  check(offsets[0] === kept.offset, `it goes on at ${offsets[0]}, not at ${kept.offset}`);
  const image = await world.api('GET', '/images/lab-disk');
  const hash = createHash('sha256').update(bytes).digest('hex');
  check(image.assets.some((one) => one.sha256 === hash) || image.disc?.sha256 === hash, `no byte differs: ${JSON.stringify(image.assets)}`);
  await world.waitFor(async () => (await world.api('GET', '/uploads')).length === 0, 'what was imported is not kept twice');
  await ways.getByText('done', { exact: true }).waitFor();
  await world.look('images-done');
  await ways.getByRole('button', { name: 'Clear' }).click();
  await ways.waitFor({ state: 'detached' });

  // One that is given up is gone from the server; a file that is dropped is asked about.
  await network(2 * MIB);
  await page.evaluate(() => {
    const dropped = new DataTransfer();
    dropped.items.add(new File([new Uint8Array(40 * 1024 * 1024)], 'Dropped File.iso'));
    window.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, bubbles: true, cancelable: true }));
  });
  await dialog.getByText('Dropped File.iso, 40 MiB').waitFor();
  await world.waitFor(async () => (await dialog.getByLabel('Name of the image').inputValue()) === 'dropped-file', 'a name is made of it');
  await dialog.getByRole('button', { name: 'Send it' }).click();
  await ways.getByText(/of 40 MiB/).waitFor();
  await ways.getByRole('button', { name: 'Remove' }).click();
  await dialog.locator('.preview li').first().waitFor();
  await dialog.getByRole('button', { name: 'Give it up' }).click();
  await dialog.waitFor({ state: 'detached' });
  check((await world.api('GET', '/uploads')).length === 0, 'it is gone');
  await network(-1);
  await line.detach();
}
