// The first steps begin with what the server has found out: its links, who else speaks there, what is odd.

export default async function (world) {
  const { page } = world;
  await world.goto('/start');
  await page.getByRole('heading', { name: 'What this network looks like' }).waitFor();
  await page.getByText('10.77.0.1 · 10.77.0.0/24').waitFor();
  const networks = await world.api('GET', '/networks');
  await page.getByText(networks[0].because).waitFor();
  await page.getByRole('heading', { name: 'What it found odd' }).waitFor();
  await world.look('start-network');
  await page.locator('a[aria-current]', { hasText: 'Your network' }).waitFor();
  await page.getByRole('link', { name: 'Go on', exact: true }).click();
  await page.getByRole('heading', { name: 'Who gives addresses?' }).waitFor();
  // Each step has an address.
  await page.waitForURL(/step=mode/);
}
