// An image by its URL: what is not signed is refused in the server's words, a running import shows how far it is and
// can be stopped, and goes on when the page is loaded anew.

import { createServer } from 'node:http';
import { check } from '../world.mjs';

const SIZE = 24 * 1024 * 1024;

export default async function (world) {
  const { page } = world;
  let slow = true;
  const publisher = createServer((request, response) => {
    if (request.url !== '/small.img') return void response.writeHead(404).end();
    response.writeHead(200, { 'content-length': SIZE });
    const piece = Buffer.alloc(256 * 1024, 5);
    let left = SIZE / piece.length;
    const next = () => {
      if (response.destroyed || left-- <= 0) return void response.end();
      response.write(piece);
      setTimeout(next, slow ? 120 : 0);
    };
    next();
  });
  await new Promise((then) => publisher.listen(0, '127.0.0.1', then));
  const url = `http://127.0.0.1:${publisher.address().port}/small.img`;

  // What steps before imported is no affair of this one.
  for (const one of await world.api('GET', '/imports')) await world.api('DELETE', `/imports/${one.id}`);
  await world.goto('/images?add=url');
  const dialog = page.getByRole('dialog');
  const fill = async (unsigned) => {
    await dialog.getByLabel('URL of the file').fill(url);
    await world.waitFor(async () => (await dialog.getByLabel('Name of the image').inputValue()) === 'small', 'it is called as its file');
    await dialog.getByLabel('private addresses').check();
    if (unsigned) await dialog.getByLabel('even if nobody signed it').check();
  };
  await fill(false);
  await world.look('image-add-url');
  slow = false;
  await dialog.getByRole('button', { name: 'Import' }).click();
  const ways = page.getByRole('region', { name: 'On their way' });
  await ways.getByText('failed', { exact: true }).waitFor();
  await ways.getByRole('alert').waitFor();
  await world.look('images-refused', { moving: '.all strong ~ span' });
  // What was said of it is there again.
  await ways.getByRole('button', { name: 'Begin again' }).click();
  await world.waitFor(async () => (await dialog.getByLabel('URL of the file').inputValue()) === url, 'the URL is there again');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await ways.getByRole('button', { name: 'Clear' }).click();
  await ways.waitFor({ state: 'detached' });

  slow = true;
  // What was fetched and not taken would be used again.
  const named = url.replace('small.img', 'small.img?anew');
  publisher.prependListener('request', (request) => (request.url = request.url.replace('?anew', '')));
  await page.getByRole('button', { name: 'Add image' }).click();
  await dialog.getByText('A URL').click();
  await page.waitForURL(/add=url/);
  await fill(true);
  await dialog.getByLabel('URL of the file').fill(named);
  await dialog.getByRole('button', { name: 'Import' }).click();
  await ways.getByText(/of 24 MiB · .*\/s · .* left/).waitFor();
  await world.look('images-importing', { moving: '.all strong ~ span' });
  await page.reload();
  await ways.getByText(/of 24 MiB · .*\/s/).waitFor();
  await ways.getByRole('button', { name: 'Cancel' }).click();
  await dialog.getByText('nothing of it is published', { exact: false }).waitFor();
  await dialog.getByRole('button', { name: 'Stop it' }).click();
  await dialog.waitFor({ state: 'detached' });
  await ways.getByText('cancelled', { exact: true }).waitFor();
  check(!(await world.api('GET', '/images')).some((one) => one.name === 'small'), 'what was stopped is published');
  await ways.getByRole('button', { name: 'Clear' }).click();
  await ways.waitFor({ state: 'detached' });

  slow = false;
  await page.getByRole('button', { name: 'Add image' }).click();
  await dialog.getByText('A URL').click();
  await fill(true);
  await dialog.getByRole('button', { name: 'Import' }).click();
  await page.getByRole('grid').getByText('small', { exact: true }).waitFor({ timeout: 60_000 });
  await ways.getByRole('link', { name: 'Look at it' }).click();
  await page.getByRole('heading', { name: 'small', exact: true }).waitFor();
  await page.getByText('not signed; ada approved it', { exact: false }).first().waitFor();
  publisher.closeAllConnections();
  publisher.close();
}
