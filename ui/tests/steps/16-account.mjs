// One's own password: a wrong old one is told, a new one ends the sessions elsewhere and not this one.

import { ADMIN } from './10-first.mjs';
import { check } from '../world.mjs';

const NEW = 'another horse battery';

async function change(page, old, fresh) {
  await page.getByLabel('The password you have').fill(old);
  await page.getByLabel('The new one', { exact: true }).fill(fresh);
  await page.getByLabel('The new one again').fill(fresh);
  const answered = page.waitForResponse((answer) => answer.url().endsWith('/session/password'));
  await page.getByRole('button', { name: 'Change it' }).click();
  return (await answered).status();
}

export default async function (world) {
  const { page } = world;
  const elsewhere = await world.browser.newContext({ baseURL: world.url });
  const signIn = (password) => elsewhere.request.post('/api/v1/session', { data: { name: ADMIN.name, password } });
  check((await signIn(ADMIN.password)).status() === 200, 'he is in elsewhere, too');

  await world.goto('/now');
  await page.getByTitle('Your account: ada, admin').click();
  await page.getByRole('heading', { name: 'Your account' }).waitFor();
  await world.look('account');
  check((await change(page, 'not this one at all', NEW)) === 403, 'a wrong one is taken');
  await page.getByRole('alert').getByText('the old password is another').waitFor();
  await world.look('account-refused');
  check((await change(page, ADMIN.password, NEW)) === 200, 'the right one is not');
  await page.getByText('Your password is changed.', { exact: false }).waitFor();
  check((await elsewhere.request.get('/api/v1/session')).status() === 401, 'the session elsewhere goes on');
  check((await world.api('GET', '/session')).name === ADMIN.name, 'this one does not');
  check((await change(page, NEW, ADMIN.password)) === 200, 'and back again');
  await world.waitFor(async () => (await page.getByLabel('The password you have').inputValue()) === '', 'the form is empty again');
  await elsewhere.close();
}
