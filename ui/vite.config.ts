import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// `./x ui dev` shows the sources as they are, beside a server that runs already.
const server = process.env.BOOTWRIGHT_SERVER ?? 'http://127.0.0.1:7070';
const passed = Object.fromEntries(
  ['/api', '/first', '/healthz', '/readyz'].map((path) => [
    path,
    {
      target: server,
      secure: false,
      // Pages are ours; what a page asks is the server's.
      bypass: (request: { headers: { accept?: string }; method?: string }) =>
        request.method === 'GET' && request.headers.accept?.includes('text/html') ? '/index.html' : undefined,
    },
  ]),
);

export default defineConfig({
  plugins: [svelte()],
  build: {
    // The folder itself is kept in git; scripts/finish.mjs empties it.
    emptyOutDir: false,
    // A picture inside a style sheet would be a `data:` address, which the page may not load.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The last two versions of the main browsers have all that is used; what is older may lack light-dark().
    target: ['chrome123', 'firefox120', 'safari17.5'],
  },
  server: { proxy: passed },
  // What was built, under the policy that the server gives it (crates/api/src/gate/mod.rs).
  preview: {
    proxy: passed,
    headers: {
      'content-security-policy':
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    },
  },
});
