// A server without machines says what to do.

export default async function (world) {
  const { page } = world;
  await world.goto('/now');
  await page.getByText('Nobody is booting').waitFor();
  await page.getByText('Live', { exact: true }).waitFor({ state: 'attached' });
  await page.getByRole('heading', { name: 'What is wrong' }).waitFor();
  await page.locator('section', { hasText: 'What is wrong' }).locator('ul, .fine').first().waitFor();
  await world.look('now-empty');
  await world.goto('/machines');
  await page.getByText('No machine was heard yet').waitFor();
  await world.look('machines-empty');
  await world.goto('/no-such-view');
  await page.getByRole('heading', { name: 'There is no such view' }).first().waitFor();
  await world.look('nowhere');
}
