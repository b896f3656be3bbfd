// Rules: tried on a machine, moved by the keyboard, by buttons and by dragging, written with marks where they are wrong,
// with the list of who would change before anything is saved; rules that nobody reaches are marked.

import { check } from '../world.mjs';

const mac = (at) => `52:54:00:f0:32:0${at}`;

export default async function (world) {
  const { page } = world;
  const before = await world.api('GET', '/rules');
  await world.api('POST', '/machines', { machines: [1, 2, 3].map((at) => ({ mac: mac(at), name: `rule-32-${at}`, labels: { bench: String(at) } })) });
  const order = async () => (await world.api('GET', '/rules')).map((rule) => `${rule.conditions.join('+')}>${rule.profile}`);

  await world.goto('/rules?on=rule-32-1&arch=x64-uefi');
  await page.getByText(/does not match|leads|No rule leads it/).first().waitFor();
  await world.look('rules');

  // A new rule, for everybody at first: it hides the others, and says so.
  await page.getByRole('button', { name: 'Add a rule' }).click();
  const fresh = page.locator('[data-rule^=n]');
  await fresh.getByLabel('It leads to').selectOption('installer');
  await page.getByText('never reached').first().waitFor();
  await page.getByText(/machines? would get another profile/).first().waitFor();
  await world.look('rules-draft');

  // Conditions: what is wrong with one is said at it, and nothing can be saved.
  await fresh.getByRole('button', { name: 'Add a condition' }).click();
  await fresh.getByLabel('What condition 1 looks at').selectOption('memory');
  await fresh.getByLabel('value').fill('lots');
  await fresh.getByText('`lots` is no amount of memory').waitFor();
  check(await page.getByRole('button', { name: 'Save' }).isDisabled(), 'a wrong rule cannot be saved');
  await world.look('rules-wrong');
  await fresh.getByLabel('What condition 1 looks at').selectOption('label');
  await fresh.getByLabel('Name of the label').fill('bench');
  await fresh.getByLabel('Label: value').fill('1');
  await fresh.getByText('matches: label bench=1').waitFor();
  const changes = page.getByRole('region', { name: 'Who would change' });
  await changes.getByRole('link', { name: 'rule-32-1', exact: true }).waitFor();
  await world.waitFor(async () => (await changes.getByRole('row').count()) === 2, 'only that machine changes');
  check((await world.api('GET', '/rules')).length === before.length, 'nothing is saved yet');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The rules are saved.').waitFor();
  check((await order())[0] === 'label:bench=1>installer', (await order()).join(' '));

  // By the keyboard: the handle's rule goes down, and the focus with it.
  const grip = page.getByRole('button', { name: /^Move rule \d+, place 1 of/ });
  await grip.focus();
  await page.keyboard.press('ArrowDown');
  await page.getByText(/is at place 2 of/).waitFor({ state: 'attached' });
  await world.waitFor(() => page.evaluate(() => /place 2 of/.test(document.activeElement?.getAttribute('aria-label') ?? '')), 'the focus goes with it');
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByText('Not saved yet', { exact: true }).waitFor({ state: 'detached' });

  // By the mouse: a second rule is dragged above the first.
  await page.getByRole('button', { name: 'Add a rule' }).click();
  await fresh.getByRole('button', { name: 'Add a condition' }).click();
  await fresh.getByLabel('value').fill(mac(2));
  await fresh.getByLabel('It leads to').selectOption('debian');
  await fresh.getByRole('button', { name: 'Close' }).click();
  await page.locator('[data-rule]').nth(1).dragTo(page.locator('[data-rule]').nth(0));
  await page.waitForFunction(() => document.querySelector('[data-rule]')?.textContent?.includes('bench=1'));
  await page.getByRole('button', { name: /Move new rule up/ }).click();
  await page.waitForFunction(() => document.querySelector('[data-rule]')?.textContent?.includes('f0:32:02'));
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Not saved yet', { exact: true }).waitFor({ state: 'detached' });
  check((await order())[0] === `mac=${mac(2)}>debian`, (await order()).join(' '));

  // Taken back, and a save that came too late.
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await world.told('Taken back.');
  check((await order())[0] === 'label:bench=1>installer', (await order()).join(' '));
  await page.reload();
  await page.getByRole('button', { name: /^Edit/ }).first().click();
  await page.locator('[data-rule]').first().getByLabel('It leads to').selectOption('debian');
  await world.api('POST', '/rules', { conditions: [`mac=${mac(3)}`], profile: 'debian' });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Somebody else changed it meanwhile.', { exact: false }).waitFor();
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByText('Not saved yet', { exact: true }).waitFor({ state: 'detached' });
  check((await page.locator('[data-rule]').count()) === before.length + 2, 'what is there now is shown, and nothing else before');

  // Others build on what was there.
  const rules = before.map(({ id, conditions, profile }) => ({ id, conditions, profile }));
  await world.api('PUT', '/rules', { rules });
}
