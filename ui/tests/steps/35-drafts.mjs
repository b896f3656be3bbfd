// Drafts: what is typed while a save is under way stays, and nothing of it is sent; a way back that is taken when the view
// was left, or opened again, puts back what was there; a draft is found again after a reload, by whoever wrote it; what
// was new and is somebody else's by now is not written over unless that is wanted.

import { check } from '../world.mjs';

const NAME = 'drafts';

export default async function (world) {
  const { page } = world;
  const args = page.getByLabel('Kernel arguments');
  const save = page.getByRole('button', { name: 'Save', exact: true });
  const saved = async () => (await world.api('GET', `/profiles/${NAME}`)).args;
  const undo = async () => {
    await page.getByRole('button', { name: 'Undo' }).last().click();
    await page.getByText('Taken back.').last().waitFor();
  };
  await world.api('PUT', `/profiles/${NAME}`, { image: 'debian-12', args: 'one' });
  await world.goto(`/profiles/${NAME}`);

  // Typed while the server takes its time.
  let go;
  const held = new Promise((resolve) => (go = resolve));
  await page.route(`**/api/v1/profiles/${NAME}`, async (route) => {
    if (route.request().method() === 'PUT') await held;
    await route.continue();
  });
  await args.fill('two');
  await save.click();
  await args.fill('two three');
  check(await page.getByRole('button', { name: 'Discard' }).isDisabled(), 'what is being saved is not discarded');
  go();
  await page.getByText(`profile ${NAME} boots`).first().waitFor();
  await page.unroute(`**/api/v1/profiles/${NAME}`);
  check((await saved()) === 'two', `what was typed since is not sent: ${await saved()}`);
  check((await args.inputValue()) === 'two three', `it stays: ${await args.inputValue()}`);
  await save.click();
  await page.getByText('Not saved yet').waitFor({ state: 'detached' });
  check((await saved()) === 'two three', 'it is saved upon what was saved before, and nobody is in its way');

  // Taken back elsewhere, and where it was opened again.
  await page.getByRole('link', { name: 'All profiles' }).click();
  await page.getByRole('link', { name: /^installer/ }).waitFor();
  await undo();
  check((await saved()) === 'two', `it was taken back: ${await saved()}`);
  await page.getByRole('link', { name: new RegExp(`^${NAME}`) }).click();
  await args.fill('four');
  await save.click();
  await page.getByText('Not saved yet').waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'All profiles' }).click();
  await page.getByRole('link', { name: new RegExp(`^${NAME}`) }).click();
  await page.waitForFunction(() => document.querySelector('textarea')?.value === 'four');
  await undo();
  await page.waitForFunction(() => document.querySelector('textarea')?.value === 'two');

  // Saved when nobody looks any more: it is no draft then.
  await args.fill('five');
  await save.click();
  await page.getByRole('link', { name: 'All profiles' }).click();
  await page.getByText(`profile ${NAME} boots`).last().waitFor();
  await page.getByRole('link', { name: new RegExp(`^${NAME}`) }).click();
  await page.waitForFunction(() => document.querySelector('textarea')?.value === 'five');
  check((await page.getByText('Not saved yet').count()) === 0, 'it is saved');
  check((await page.getByText('These are your changes from before', { exact: false }).count()) === 0, 'and no draft');

  // A reload.
  await args.fill('six');
  await page.getByText('Not saved yet').waitFor();
  await page.reload();
  await page.getByText('These are your changes from before', { exact: false }).waitFor();
  check((await args.inputValue()) === 'six', `the draft is there: ${await args.inputValue()}`);
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.waitForFunction(() => document.querySelector('textarea')?.value === 'five');
  await page.reload();
  await page.waitForFunction(() => document.querySelector('textarea')?.value === 'five');
  check((await page.getByText('Not saved yet').count()) === 0, 'a draft that was discarded stays away');

  // New, and somebody was quicker.
  await world.goto(`/profiles/${NAME}-new`);
  await args.fill('mine');
  await world.api('PUT', `/profiles/${NAME}-new`, { image: 'debian-12', args: 'theirs' });
  await save.click();
  await page.getByText('Somebody else changed it meanwhile.', { exact: false }).waitFor();
  await page.reload();
  await page.getByText('These are your changes from before', { exact: false }).waitFor();
  await save.click();
  await page.getByText('Somebody else changed it meanwhile.', { exact: false }).waitFor();
  check((await world.api('GET', `/profiles/${NAME}-new`)).args === 'theirs', 'nothing was written over');
  await page.getByRole('button', { name: 'Save over it' }).click();
  await page.getByText('Not saved yet').waitFor({ state: 'detached' });
  check((await world.api('GET', `/profiles/${NAME}-new`)).args === 'mine', 'and then it was, knowingly');

  // A rule that was taken away comes back among what was written since.
  await world.goto('/rules');
  await page.locator('[data-rule]').first().waitFor();
  const count = await page.locator('[data-rule]').count();
  const add = () => page.getByRole('button', { name: 'Add a rule' }).click();
  await add();
  await page.getByRole('button', { name: 'Remove the rule' }).click();
  check((await page.locator('[data-rule]').count()) === count, 'one more, and one less');
  await add();
  await undo();
  check((await page.locator('[data-rule]').count()) === count + 2, 'the new one stays, the other is back');
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByText('Not saved yet').waitFor({ state: 'detached' });

  for (const name of [NAME, `${NAME}-new`]) await world.api('DELETE', `/profiles/${name}`);
}
