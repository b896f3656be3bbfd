// A first image is imported from the server's own disk, and what is refused is said with what to do.

export default async function (world) {
  const { page } = world;
  const [{ source }] = await world.api('GET', '/images');
  const path = source.match(/\/\S+/)[0];
  await world.goto('/start?step=image');
  await page.getByText('One image is there already:').waitFor();
  await page.getByRole('button', { name: 'Import another one' }).click();
  await page.getByRole('radio', { name: 'In a file or folder of the server' }).check();
  await page.getByLabel('Path on the server').fill('/nowhere/at/all.iso');
  await world.waitFor(async () => (await page.getByLabel('Name').inputValue()) === 'all', 'a name is suggested');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByRole('alert').waitFor();
  await world.look('start-image-refused');
  await page.getByLabel('Path on the server').fill(path);
  await page.getByLabel('Name').fill('debian-again');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByText('2 images are there already:').waitFor();
  await page.getByText('debian-again', { exact: false }).first().waitFor();
  await world.look('start-image');
  await world.api('DELETE', '/images/debian-again');
}
