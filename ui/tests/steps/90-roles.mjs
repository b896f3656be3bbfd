// A viewer sees everything and can change nothing; whoever is limited to some machines sees those.

import { check } from '../world.mjs';

export default async function (world) {
  const password = 'a long enough password';
  await world.api('POST', '/users', { name: 'vera', role: 'viewer', password });
  await world.api('POST', '/users', { name: 'sam', role: 'operator', scope: ['room=3'], password });
  await world.enter();
  await world.goto('/machines');
  await world.signIn('vera', password);
  await world.page.getByRole('grid').waitFor();
  check((await world.page.getByRole('checkbox').count()) === 0, 'a viewer has nothing to choose for');
  await world.goto('/machines/lab-012');
  await world.page.getByText(/^It would /).waitFor();
  check((await world.page.getByRole('button', { name: 'Block' }).count()) === 0, 'a viewer can block nobody');
  await world.look('machine-viewer');

  await world.enter();
  await world.goto('/machines');
  await world.signIn('sam', password);
  await world.page.getByRole('grid').waitFor();
  await world.page.getByText(/^[0-9]+ machines$/).waitFor();
  const shown = await world.page.getByText(/^[0-9]+ machines$/).textContent();
  check(Number.parseInt(shown, 10) < 100, `sam sees ${shown}`);
  await world.goto('/now');
  await world.page.getByText('You see single machines only', { exact: false }).waitFor();
  await world.look('now-limited');
}
