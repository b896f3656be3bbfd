// Images: the list, one of them with its versions, what differs between two, promote, roll back, pin, verify, and a
// removal that is shown first and typed.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../world.mjs';

/** A folder of this host, which is the server's too. */
function folder(world, name, files) {
  const at = join(world.out, 'shelf', name);
  rmSync(at, { recursive: true, force: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(at, path, '..'), { recursive: true });
    writeFileSync(join(at, path), content);
  }
  return at;
}

/** Has the server import it, and waits until it has. */
export async function imported(world, wish) {
  const { id } = await world.api('POST', '/imports', wish);
  for (let tries = 0; tries < 200; tries += 1) {
    const one = await world.api('GET', `/imports/${id}`);
    if (one.ended) {
      check(one.state === 'done', `the import of ${wish.name}: ${JSON.stringify(one.problem)}`);
      await world.api('DELETE', `/imports/${id}`);
      return one;
    }
    await world.page.waitForTimeout(50);
  }
  throw new Error(`the import of ${wish.name} does not end`);
}

export default async function (world) {
  const { page } = world;
  const path = (name, files) => folder(world, name, files);
  await world.goto('/images');
  await page.getByRole('grid').waitFor();
  const old = { 'boot/vmlinuz': 'old kernel', 'boot/initrd.img': 'same', 'docs/readme.txt': 'gone soon', 'pool/a.deb': 'aaa' };
  const fresh = { 'boot/vmlinuz': 'new kernel, and a longer one', 'boot/initrd.img': 'same', 'pool/a.deb': 'bbb', 'pool/b.deb': 'new' };
  await imported(world, { name: 'shelf', path: path('one', old), title: 'The shelf, first edition' });
  await imported(world, { name: 'shelf', path: path('two', fresh), title: 'The shelf, second edition' });
  await world.api('PUT', '/profiles/shelf', { image: 'shelf', new: true });
  await world.api('PATCH', '/machines/lab-030', { profile: 'shelf' });

  await world.goto('/images');
  await page.getByRole('grid').getByText('shelf', { exact: true }).waitFor();
  await page.getByText('2 images').waitFor();
  await world.look('images');
  await page.getByRole('searchbox').fill('nothing is like this');
  await page.getByText('No image is like that').waitFor();
  await page.waitForURL(/search=nothing/);
  await world.look('images-nothing');
  await page.getByRole('button', { name: 'Clear search' }).click();
  await page.getByText('2 images').waitFor();
  await page.getByRole('grid').focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/images\/shelf$/);
  await page.getByText('The shelf, second edition').waitFor();
  await page.getByRole('region', { name: 'Used by' }).getByRole('link', { name: 'shelf' }).waitFor();
  await world.look('image');

  // What differs, at an address of its own.
  await page.getByLabel('Compare with').selectOption('1');
  await page.waitForURL(/compare=1/);
  const differs = page.getByRole('region', { name: 'What differs' });
  await differs.getByText('1 file added, 1 removed, 2 changed, 1 the same.').waitFor();
  await differs.getByText('The shelf, first edition').waitFor();
  await differs.getByText('docs/readme.txt').waitFor();
  await page.reload();
  await differs.getByText('pool/b.deb').waitFor();
  await world.look('image-compare');
  await page.getByRole('button', { name: 'Close the comparison' }).click();

  await page.getByRole('button', { name: 'Show the files' }).click();
  await page.getByRole('grid', { name: 'Files' }).getByText('boot/vmlinuz').waitFor();
  await page.getByLabel('Search files').fill('pool');
  await page.getByText('2 of 4 files').waitFor();

  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText('every byte is as it was imported', { exact: false }).waitFor();
  await page.getByRole('button', { name: 'Look again' }).click();
  await page.getByText('Its signatures were looked at again.').waitFor();

  // What is on trial becomes stable, and is taken back.
  const dialog = page.getByRole('dialog');
  const shown = async () => {
    await dialog.locator('.preview li').first().waitFor();
  };
  const stable = async () => (await world.api('GET', '/images')).find((one) => one.name === 'shelf' && one.channels.includes('stable'))?.version;
  check((await stable()) === 1, 'the first version is stable by itself');
  await page.getByRole('group', { name: 'Version 2' }).getByRole('button', { name: 'Promote' }).click();
  await shown();
  await world.look('image-promote');
  await dialog.getByRole('button', { name: 'Promote' }).click();
  await dialog.waitFor({ state: 'detached' });
  check((await stable()) === 2, 'version 2 is promoted');
  await page.getByRole('button', { name: 'Roll back' }).click();
  await shown();
  await dialog.getByRole('button', { name: 'Roll back' }).click();
  await dialog.waitFor({ state: 'detached' });
  check((await stable()) === 1, 'version 1 is back');

  // A profile is pinned; whoever changed it meanwhile is not written over.
  const profile = async () => world.api('GET', '/profiles/shelf');
  await page.getByLabel('What shelf boots').selectOption({ label: 'version 2, pinned' });
  await shown();
  await world.api('PUT', '/profiles/shelf', { args: 'quiet' });
  await dialog.getByRole('button', { name: 'Change it' }).click();
  await dialog.getByRole('alert').waitFor();
  check((await profile()).version === null, 'what somebody else changed is written over');
  await page.keyboard.press('Escape');
  await page.getByLabel('What shelf boots').selectOption({ label: 'version 2, pinned' });
  await shown();
  await dialog.getByRole('button', { name: 'Change it' }).click();
  await dialog.waitFor({ state: 'detached' });
  check((await profile()).version === 2 && (await profile()).args === 'quiet', JSON.stringify(await profile()));

  // What is in use is refused in the server's words; the rest takes its name.
  await page.getByRole('button', { name: 'Remove …', exact: true }).first().click();
  await dialog.getByRole('alert').waitFor();
  check(await dialog.getByRole('button', { name: 'Remove', exact: true }).isDisabled(), 'what profiles boot can be removed');
  await world.look('image-in-use');
  await page.keyboard.press('Escape');
  await world.api('PUT', '/profiles/shelf', { version: 0, channel: 'stable' });
  await page.reload();
  await page.getByRole('group', { name: 'Version 2' }).getByRole('button', { name: 'Remove' }).click();
  await shown();
  check(await dialog.getByRole('button', { name: 'Remove', exact: true }).isDisabled(), 'a version is removed before it is typed');
  await dialog.getByLabel('Type shelf 2').fill('shelf 2');
  await world.look('image-remove');
  await dialog.getByLabel('Type shelf 2').press('Enter');
  await dialog.waitFor({ state: 'detached' });
  check((await world.api('GET', '/images')).filter((one) => one.name === 'shelf').length === 1, 'version 2 is gone');

  await world.goto('/images/nobody');
  await page.getByRole('alert').waitFor();
  await world.look('image-unknown');
}
