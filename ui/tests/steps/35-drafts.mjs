// Drafts: what is typed while a save is under way stays, and nothing of it is sent; a way back that is taken when the view
// was left, or opened again, puts back what was there; a draft is found again after a reload, by whoever wrote it; what
// was new and is somebody else's by now is not written over unless that is wanted.

import { check } from '../world.mjs';

const NAME = 'drafts';

export default async function (world) {
  const { page } = world;
  const args = page.getByLabel('Kernel arguments');
  const save = page.getByRole('button', { name: 'Save', exact: true });
  const discard = page.getByRole('button', { name: 'Discard' });
  const unsaved = page.getByText('Not saved yet', { exact: true });
  const found = page.getByText('These are your changes from before', { exact: false });
  const at = `**/api/v1/profiles/${NAME}`;
  const saved = async () => (await world.api('GET', `/profiles/${NAME}`)).args;
  const shows = (text) => page.waitForFunction((text) => document.querySelector('textarea')?.value === text, text);
  const put = () => page.waitForResponse((answer) => answer.request().method() === 'PUT' && answer.url().endsWith(`/profiles/${NAME}`));
  const undo = () => page.getByRole('button', { name: 'Undo' }).last().click();
  const away = () => page.getByRole('link', { name: 'All profiles' }).click();
  const back = () => page.getByRole('link', { name: new RegExp(`^${NAME}`) }).click();
  /** The server takes its time with what is saved, until that is called which is given. */
  const hold = async () => {
    let go;
    const held = new Promise((resolve) => (go = resolve));
    await page.route(at, async (route) => {
      if (route.request().method() === 'PUT') await held;
      await route.continue();
    });
    return async () => {
      const answered = put();
      go();
      await answered;
      await page.unroute(at);
    };
  };
  await world.api('PUT', `/profiles/${NAME}`, { image: 'debian-12', args: 'one' });
  await world.goto(`/profiles/${NAME}`);
  await shows('one');

  // Typed while a save is under way.
  let go = await hold();
  await args.fill('two');
  await save.click();
  await args.fill('two three');
  // What is being saved is not discarded.
  await page.getByRole('button', { name: 'Discard', disabled: true }).waitFor();
  await go();
  await page.getByRole('button', { name: 'Discard', disabled: false }).waitFor();
  check((await saved()) === 'two', `what was typed since is not sent: ${await saved()}`);
  await shows('two three');
  await save.click();
  await unsaved.waitFor({ state: 'detached' });
  check((await saved()) === 'two three', 'it is saved upon what was saved before, and nobody is in its way');

  // Taken back elsewhere, and where it was opened again.
  await away();
  await page.getByRole('link', { name: /^installer/ }).waitFor();
  await Promise.all([put(), undo()]);
  check((await saved()) === 'two', `it was taken back: ${await saved()}`);
  await back();
  await args.fill('four');
  await save.click();
  await unsaved.waitFor({ state: 'detached' });
  await away();
  await back();
  await shows('four');
  await Promise.all([put(), undo()]);
  await shows('two');

  // Left, or left and opened again, while a save is under way: what is saved is no draft any more.
  for (const [text, again] of [['five', false], ['six', true]]) {
    go = await hold();
    await args.fill(text);
    await save.click();
    await away();
    if (again) {
      await back();
      await found.waitFor();
    }
    await go();
    if (!again) await back();
    await shows(text);
    await unsaved.waitFor({ state: 'detached' });
    check((await saved()) === text, `it is saved: ${await saved()}`);
    check((await found.count()) === 0, 'it is no draft');
  }

  // A reload.
  await args.fill('seven');
  await unsaved.waitFor();
  await page.reload();
  await found.waitFor();
  await shows('seven');
  await discard.click();
  await shows('six');
  await unsaved.waitFor({ state: 'detached' });
  await page.reload();
  await shows('six');
  check((await unsaved.count()) === 0, 'a draft that was discarded stays away');

  // New, and somebody was quicker.
  await world.goto(`/profiles/${NAME}-new`);
  await args.fill('mine');
  await world.api('PUT', `/profiles/${NAME}-new`, { image: 'debian-12', args: 'theirs' });
  await save.click();
  await page.getByText('Somebody else changed it meanwhile.', { exact: false }).waitFor();
  await page.reload();
  await found.waitFor();
  await save.click();
  await page.getByText('Somebody else changed it meanwhile.', { exact: false }).waitFor();
  check((await world.api('GET', `/profiles/${NAME}-new`)).args === 'theirs', 'nothing was written over');
  await page.getByRole('button', { name: 'Save over it' }).click();
  await unsaved.waitFor({ state: 'detached' });
  check((await world.api('GET', `/profiles/${NAME}-new`)).args === 'mine', 'and then it was, knowingly');

  // A rule that was taken away comes back among what was written since.
  await world.goto('/rules');
  await page.locator('[data-rule]').first().waitFor();
  const count = await page.locator('[data-rule]').count();
  const add = () => page.getByRole('button', { name: 'Add a rule' }).click();
  await add();
  const rules = (count) => page.waitForFunction((count) => document.querySelectorAll('[data-rule]').length === count, count);
  await rules(count + 1);
  await page.getByRole('button', { name: 'Remove the rule' }).click();
  await rules(count);
  await add();
  await rules(count + 1);
  await undo();
  await rules(count + 2);
  await discard.click();
  await unsaved.waitFor({ state: 'detached' });

  for (const name of [NAME, `${NAME}-new`]) await world.api('DELETE', `/profiles/${name}`);
}
