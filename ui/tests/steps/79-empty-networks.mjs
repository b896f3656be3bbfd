// Where nothing is served and nothing leased, the views say how that comes about; refusals are shown with what to do.

export default async function (world) {
  const { page } = world;
  for (const what of ['networks', 'leases', 'reservations']) await page.route(`**/api/v1/${what}`, (route) => route.fulfill({ json: [] }));
  await world.goto('/networks');
  await page.getByText('No network is served').waitFor();
  await world.look('networks-empty');
  await world.goto('/leases');
  await page.getByText('No address is leased').waitFor();
  await world.look('leases-empty');
  await world.goto('/leases?show=reservations');
  await page.getByText('No address is reserved').waitFor();
  await world.look('reservations-empty');
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  const problem = { type: 'urn:bootwright:failed', title: 'It did not work', status: 500, detail: 'the store is read again', hint: 'try in a moment' };
  await page.route('**/api/v1/leases', (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify(problem) }));
  await world.goto('/leases');
  await page.getByRole('alert').getByText('try in a moment').waitFor();
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('grid').waitFor();
  await world.settled();
}
