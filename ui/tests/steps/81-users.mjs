// Users and tokens: added, changed, disabled with a way back, ended; a token is shown once and works.

import { check } from '../world.mjs';

export default async function (world) {
  const { page } = world;
  const password = 'a long enough password';
  await world.goto('/operations/users');
  await page.getByRole('button', { name: 'Add a user …' }).click();
  await page.getByLabel('Name').fill('olga');
  await page.getByLabel('Role').selectOption('operator');
  await page.getByLabel('Only machines with one of these labels').fill('nonsense');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('alert').getByText('is no label', { exact: false }).waitFor();
  await world.look('users-add');
  await page.getByLabel('Only machines with one of these labels').fill('room=3\nroom=4');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await world.told('olga is added.');
  const olga = page.locator('li.card', { hasText: 'olga' });
  await olga.getByText('room=3, room=4', { exact: false }).waitFor();
  await world.look('users');

  // Somebody else changes her meanwhile: nothing is written over.
  await olga.getByRole('button', { name: 'Edit …' }).click();
  await page.getByLabel('Role').selectOption('viewer');
  await world.api('PATCH', '/users/olga', { scope: [] });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('alert').getByText('Somebody else changed this user', { exact: false }).waitFor();
  await page.getByLabel('Role').selectOption('viewer');
  await page.getByRole('button', { name: 'Save' }).click();
  await world.told('olga is changed');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  await olga.getByRole('button', { name: 'Disable …' }).click();
  await page.getByRole('dialog').getByText('is disabled', { exact: false }).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Disable …' }).click();
  await olga.getByText('disabled').waitFor();
  const signIn = async () => {
    const elsewhere = await world.browser.newContext({ baseURL: world.url });
    const got = await elsewhere.request.post('/api/v1/session', { data: { name: 'olga', password } });
    await elsewhere.close();
    return got.status();
  };
  check((await signIn()) === 403, 'who is disabled comes in');
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await olga.getByText('disabled').waitFor({ state: 'detached' });
  check((await signIn()) === 200, 'who is enabled does not');
  await olga.getByRole('button', { name: 'Remove …' }).click();
  await page.getByLabel('Type olga to confirm').fill('olga');
  await page.getByRole('dialog').getByRole('button', { name: 'Remove …' }).click();
  await olga.waitFor({ state: 'detached' });

  await world.goto('/operations/tokens');
  await page.getByText('There is no token').waitFor();
  await world.look('tokens-empty');
  await page.getByRole('button', { name: 'Make a token …' }).click();
  await page.getByLabel('For what').fill('monitoring');
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByRole('dialog').getByText('It is shown this once', { exact: false }).waitFor();
  const token = (await page.locator('#secret').textContent()).trim();
  check(token.startsWith('bwt_'), 'the token is shown');
  const headers = { authorization: `Bearer ${token}` };
  check((await fetch(`${world.url}/api/v1/status`, { headers })).status === 200, 'it works');
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.locator('#secret').waitFor({ state: 'detached' });
  await page.locator('li.card', { hasText: 'monitoring' }).waitFor();
  check(!(await page.content()).includes(token), 'it is shown no more');
  await world.look('tokens');
  await page.getByRole('button', { name: 'Revoke …' }).click();
  await page.getByRole('dialog').getByText('monitoring', { exact: false }).last().waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke …' }).click();
  await world.told('monitoring is revoked.');
  check((await fetch(`${world.url}/api/v1/status`, { headers })).status === 401, 'it works still');
  await world.settled();
}
