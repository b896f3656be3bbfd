// Profiles: a new one made by the page, what it would boot and answer shown for a machine while it is written, what is
// wrong said before it is saved, where each setting comes from, a change taken back, and one that came too late.

import { check } from '../world.mjs';

const MAC = '52:54:00:f0:31:01';

export default async function (world) {
  const { page } = world;
  await world.api('POST', '/machines', { machines: [{ mac: MAC, name: 'try-31', settings: { user: 'ada' } }] });
  await world.goto('/profiles');
  await page.getByRole('link', { name: /^installer/ }).waitFor();
  await world.look('profiles');

  await page.getByRole('button', { name: 'New profile' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('kiosk');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'kiosk', level: 1 }).waitFor();
  await page.getByLabel('Try it on').fill('try-31');
  await page.waitForURL(/on=try-31(&|$)/);
  await page.getByLabel('As', { exact: true }).selectOption('x86-bios');

  // The command line follows what is written.
  await page.getByLabel('Kernel arguments').fill('quiet console=ttyS0');
  const line = page.getByLabel('Kernel command line');
  // It is the line of that machine.
  await line.filter({ hasText: 'console=ttyS0' }).filter({ hasText: 'BOOTIF=01-52-54-00-f0-31-01' }).waitFor();
  await page.getByText('The script for iPXE', { exact: true }).click();
  await page.getByLabel('The script for iPXE').filter({ hasText: '#!ipxe' }).waitFor();

  // Answer files, and where a setting comes from.
  await page.getByLabel('Answer files').selectOption('lab');
  await page.getByLabel('preseed.cfg').getByText('lab/name string try-31').waitFor();
  const user = page.locator('li', { has: page.locator('label', { hasText: /^user$/ }) });
  await user.getByText('of the machine', { exact: true }).waitFor();
  await user.getByText('ada', { exact: true }).waitFor();
  await page.locator('li', { has: page.locator('label', { hasText: /^timezone$/ }) }).getByRole('button', { name: 'Set here' }).click();
  await page.getByLabel('timezone', { exact: true }).fill('Europe/Vienna');
  await page.getByText('UTC', { exact: true }).waitFor();
  await world.look('profile-new');

  // What the server would refuse is said beside the form, and nothing can be saved.
  await page.getByLabel('Name of a setting').fill('packages_more');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByLabel('packages_more', { exact: true }).fill('x'.repeat(17_000));
  await page.getByText('setting packages_more is longer than 16 KiB').waitFor();
  check(await page.getByRole('button', { name: 'Save' }).isDisabled(), 'what would be refused cannot be saved');
  await page.getByLabel('packages_more', { exact: true }).fill('[vim, git]');
  await page.getByText('setting packages_more is longer').waitFor({ state: 'detached' });

  // Gone elsewhere and back: what was written is still there.
  await page.getByRole('link', { name: 'All profiles' }).click();
  await page.getByRole('link', { name: /^installer/ }).waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'kiosk', level: 1 }).waitFor();
  await world.waitFor(async () => (await page.getByLabel('Kernel arguments').inputValue()) === 'quiet console=ttyS0', 'a draft stays');
  await page.getByRole('button', { name: 'Save' }).click();
  // What is said of a draft says the same before it is saved.
  await page.getByRole('button', { name: 'Save' }).waitFor({ state: 'detached' });
  await world.told('profile kiosk boots image debian-12');
  let kept = await world.api('GET', '/profiles/kiosk');
  check(kept.settings.timezone === 'Europe/Vienna' && kept.settings.packages_more.length === 2 && kept.template === 'lab', JSON.stringify(kept));

  // A change, and back.
  await page.getByLabel('Kernel arguments').fill('quiet');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await page.getByText('Taken back.').waitFor();
  kept = await world.api('GET', '/profiles/kiosk');
  check(kept.args === 'quiet console=ttyS0', `it was taken back: ${kept.args}`);

  // Somebody else was quicker.
  await page.getByLabel('Kernel arguments').fill('mine');
  await world.api('PUT', '/profiles/kiosk', { args: 'theirs' });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Somebody else changed it meanwhile.', { exact: false }).waitFor();
  check((await world.api('GET', '/profiles/kiosk')).args === 'theirs', 'nothing was written over');
  await world.look('profile-stale');
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.waitForFunction(() => document.querySelector('textarea')?.value === 'theirs');

  // Away with it, and back.
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('profile kiosk is removed').waitFor();
  await dialog.getByLabel('Type kiosk').fill('kiosk');
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.waitForURL(/\/profiles$/);
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await page.waitForURL(/\/profiles\/kiosk/);
  check((await world.api('GET', '/profiles/kiosk')).settings.timezone === 'Europe/Vienna', 'it is there again');
}
