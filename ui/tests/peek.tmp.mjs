import { World } from './world.mjs'; import { ADMIN } from './steps/10-first.mjs'; import { story } from './steps/57-boot-story.mjs';
const [url, out, ...rest] = process.argv.slice(2);
const w = await World.open(url, out); const {page}=w;
await w.goto('/'); await w.signIn(ADMIN.name, ADMIN.password);
await page.route('**/api/v1/boots/b7q3kx9md', (r)=>r.fulfill({json:story}));
for (const spec of rest) { const [path,name,width='1280',height='2200',scheme='light']=spec.split(',');
 await page.emulateMedia({colorScheme:scheme}); await page.setViewportSize({width:+width,height:+height}); await w.goto(path); await page.waitForTimeout(1500); await page.screenshot({path:`${out}/peek-${name}.png`}); }
await w.browser.close();
