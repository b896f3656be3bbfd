// Many machines at once: add, label, boot once and wake, each shown first for every one of them; and views that somebody
// named, which come back after a reload and can be deleted.

import { check } from '../world.mjs';

async function choose(page, count) {
  await page.getByRole('grid').focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Space');
  for (let at = 1; at < count; at += 1) await page.keyboard.press('Shift+ArrowDown');
  await page.getByText(`${count} selected`).first().waitFor();
}

async function more(page, name) {
  await page.getByRole('group', { name: /selected/ }).getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name }).click();
  await page.getByRole('dialog').waitFor();
}

export default async function (world) {
  const { page } = world;
  const dialog = page.getByRole('dialog');
  await world.goto('/machines?sort=name&label=rack%3Dr3');
  await page.getByText(/^[0-9]+ of [0-9]+ machines$/).waitFor();
  await choose(page, 3);
  await more(page, 'Label …');
  await page.getByLabel('Labels to set').fill('wave');
  check(await dialog.getByRole('button', { name: 'Label' }).isDisabled(), 'what is no label is not sent');
  await page.getByLabel('Labels to set').fill('wave=1');
  await page.getByLabel('Labels to take away').fill('room');
  await dialog.locator('.preview li').nth(2).waitFor();
  await world.waitFor(async () => (await dialog.locator('.preview li').count()) === 3, 'each machine has its line');
  await world.look('machines-label');
  await dialog.getByRole('button', { name: 'Label' }).click();
  await dialog.waitFor({ state: 'detached' });
  const labelled = await world.api('GET', '/machines?label=wave%3D1');
  check(labelled.length === 3 && labelled.every((one) => !('room' in one.labels) && one.labels.rack === 'r3'), JSON.stringify(labelled));

  await page.getByLabel('Label', { exact: true }).fill('wave=1');
  await page.getByText(/^3 of [0-9]+ machines$/).waitFor();
  await choose(page, 3);
  await more(page, 'Boot once …');
  await page.getByLabel('What', { exact: true }).selectOption({ label: 'debian-12' });
  await dialog.locator('.preview li').nth(2).waitFor();
  await world.look('machines-boot-once');
  await dialog.getByRole('button', { name: 'Boot once' }).click();
  await dialog.waitFor({ state: 'detached' });
  const armed = await world.api('GET', '/deployments?open=true');
  check(armed.filter((one) => one.kind === 'once').length === 3, `${armed.length} are armed`);
  for (const one of armed) await world.api('POST', `/machines/${one.mac}/cancel`);
  await choose(page, 2);
  await more(page, 'Wake …');
  // Nobody knows where these are: each is refused, and stands there.
  await dialog.locator('.preview li').first().waitFor();
  await world.look('machines-wake');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Clear selection' }).click();

  await page.getByRole('button', { name: 'Save this view …' }).click();
  await dialog.getByLabel('Name').fill('<b>First wave</b>');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await world.goto('/machines');
  await page.getByText(/^[0-9]+ machines$/).waitFor();
  await page.getByRole('link', { name: '<b>First wave</b>' }).click();
  await page.getByText(/^3 of [0-9]+ machines$/).waitFor();
  await world.waitFor(async () => (await page.getByLabel('Label', { exact: true }).inputValue()) === 'wave=1', 'the fields say what the view says');
  await world.look('machines-view');
  await page.getByRole('button', { name: 'Delete the view <b>First wave</b>' }).click();
  await world.told('is deleted.');
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await page.getByRole('link', { name: '<b>First wave</b>' }).waitFor();
  await page.getByRole('button', { name: 'Delete the view <b>First wave</b>' }).click();
  await world.waitFor(() => page.evaluate(() => localStorage.getItem('bootwright-views /machines') === '[]'), 'it is gone from the browser');

  // Machines that nobody has heard yet; two of them turn out to be one.
  await page.getByRole('button', { name: 'Add …' }).click();
  await dialog.getByLabel('Machines', { exact: true }).fill('52:54:00:bb:00:11 twin-a room=7\n52:54:00:bb:00:12');
  await dialog.locator('.preview li').nth(1).waitFor();
  await world.look('machines-add');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await dialog.waitFor({ state: 'detached' });
  check((await world.api('GET', '/machines/twin-a')).labels.room === '7', 'it is there with its label');
  await world.goto('/machines/twin-a');
  await page.getByText(/^It would /).waitFor();
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Merge …' }).click();
  await dialog.getByLabel('The other machine').fill('52:54:00:bb:00:12');
  await dialog.locator('.preview li').first().waitFor();
  await dialog.getByLabel('Type twin-a to confirm').fill('twin-a');
  await dialog.getByRole('button', { name: 'Merge' }).click();
  await dialog.waitFor({ state: 'detached' });
  check((await world.api('GET', '/machines/twin-a')).macs[0] === '52:54:00:bb:00:12', 'they are one machine');
  await world.settled();
}
