// One machine: why it would get what it gets, a change that can be taken back, one that somebody else made
// meanwhile, and an installation armed by the keyboard alone.

import { check } from '../world.mjs';

export default async function (world) {
  const { page } = world;
  const state = async () => (await world.api('GET', '/machines/lab-010')).state;
  await world.goto('/machines/lab-010');
  await page.getByRole('heading', { name: 'lab-010' }).waitFor();
  await page.getByText(/^It would /).waitFor();
  await world.look('machine');

  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByText('lab-010 is approved.').waitFor();
  check((await page.getByRole('button', { name: 'Undo' }).count()) === 0, 'nobody can be made pending again');
  await page.getByRole('button', { name: 'Block' }).click();
  await page.getByText('lab-010 is blocked.').waitFor();
  check((await state()) === 'blocked', 'it is blocked');
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('Taken back.').waitFor();
  check((await state()) === 'approved', 'it was taken back');

  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Notes').fill('in the rack');
  await world.look('machine-edit');
  await world.api('PATCH', '/machines/lab-010', { notes: 'by somebody else' });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Somebody else changed this machine meanwhile.', { exact: false }).waitFor();
  await world.waitFor(async () => (await page.getByLabel('Notes').inputValue()) === 'by somebody else', 'what is there now is shown');
  await page.getByLabel('Notes').fill('in the rack, by the door');
  await page.getByLabel('Labels').fill('room=9\nowner=ada lovelace');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const machine = await world.api('GET', '/machines/lab-010');
  check(machine.notes === 'in the rack, by the door' && machine.labels.owner === 'ada lovelace', JSON.stringify(machine));
  check(!('rack' in machine.labels), 'a label that was taken away is gone');

  // The keyboard alone: to the button, through the form, the name typed, done.
  await page.getByRole('button', { name: 'Deploy …' }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  // A list is found through by letters once it is there.
  await dialog.getByLabel('Profile').locator('option', { hasText: 'installer' }).waitFor({ state: 'attached' });
  await dialog.getByLabel('Profile').focus();
  await page.keyboard.type('installer');
  await world.waitFor(async () => (await dialog.getByLabel('Profile').inputValue()) === 'installer', 'letters choose in the list');
  await dialog.getByText('What will happen').waitFor();
  await dialog.locator('.preview li, .preview [role=alert]').first().waitFor();
  await dialog.getByLabel('Disk').focus();
  await page.keyboard.type('size:1G..2T');
  await dialog.locator('.preview li').first().waitFor();
  check((await dialog.getByLabel('Disk').inputValue()) === 'size:1G..2T', 'the disk is typed');
  check(await dialog.getByRole('button', { name: 'Deploy' }).isDisabled(), 'nothing is deployed before the name is typed');
  await dialog.getByLabel('Type lab-010').focus();
  await page.keyboard.type('lab-010');
  // Until when it is armed stands in what will happen.
  await world.look('machine-deploy', { moving: '.preview' });
  await dialog.getByLabel('Type lab-010').focus();
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  check((await state()) === 'deploying', 'it is armed');
  await page.getByText('armed', { exact: true }).waitFor();
  await world.look('machine-armed');
  await page.getByRole('button', { name: 'Cancel deployment' }).click();
  await page.getByRole('dialog').locator('.preview li').first().waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel deployment' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  check((await state()) !== 'deploying', 'it is not armed any more');

  await world.goto('/machines/nobody');
  await page.getByRole('alert').waitFor();
  await world.look('machine-unknown');
}
