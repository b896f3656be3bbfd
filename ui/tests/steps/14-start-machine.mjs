// The last step says what to set in a machine's firmware, and waits for it.

export default async function (world) {
  const { page } = world;
  await world.goto('/start?step=machine');
  await page.getByText('Waiting for a machine …').waitFor();
  await page.getByText('A PC or server').waitFor();
  await world.look('start-machine');
}
