// What a machine reported of its parts, as the server would tell it.

export default async function (world) {
  const { page } = world;
  const hardware = {
    cpu: { model: 'AMD EPYC 7313P 16-Core Processor', sockets: 1, cores: 16, threads: 32 },
    memory_mib: 131072,
    disks: [
      { name: 'nvme0n1', size_bytes: 960197124096, model: 'SAMSUNG MZQL2960HCJR-00A07', serial: 'S64FNE0R501234', transport: 'nvme', rotational: false, wwn: 'eui.36344630525012340025384500000001' },
      { name: 'sda', size_bytes: 4000787030016, model: 'ST4000NM000A', serial: 'WS20ABCD', transport: 'sata', rotational: true, wwn: null },
    ],
    nics: [{ name: 'eno1', mac: '52:54:00:aa:00:0a', driver: 'igb', link: true, speed_mbit: 1000 }],
    firmware: { vendor: 'American Megatrends', version: '2.4', date: '04/13/2024', kind: 'uefi' },
    system: { vendor: 'Supermicro', product: 'AS-1014S-WTRT', serial: 'A1', uuid: null },
    tpm: '2.0',
    secure_boot: 'on',
    virtualization: null,
  };
  await page.route('**/api/v1/machines/lab-011', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), hardware, hardware_reported: new Date().toISOString() } });
  });
  await world.goto('/machines/lab-011');
  await page.getByText('AS-1014S-WTRT').waitFor();
  await page.getByText(/^It would /).waitFor();
  await page.getByRole('heading', { name: 'Hardware' }).scrollIntoViewIfNeeded();
  await world.look('machine-hardware');
  await page.unroute('**/api/v1/machines/lab-011');
}
