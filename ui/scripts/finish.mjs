// Before a build (`clear`): empties dist. After it: packs each file, checks that the page is small enough to be
// there at once, and writes the list of files, which the program is built with.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** All scripts and styles together, packed by gzip. */
const BUNDLE_MAX = 250_000;

/** What the page's policy forbids, or what would make text into markup: said here rather than found in a browser. */
const NEVER = [
  [/\{@html/, 'text from outside would be markup: write it as {text}'],
  [/\sstyle="/, 'the policy forbids styles in markup: use style:property={…} or a class'],
  [/\son[a-z]+="/, 'the policy forbids scripts in markup: use onclick={…}'],
  [/https?:\/\/(?!www\.w3\.org\/)/, 'nothing is loaded from outside'],
];

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = fileURLToPath(new URL('../dist', import.meta.url));

function files(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

if (process.argv[2] === 'clear') {
  mkdirSync(dist, { recursive: true });
  for (const name of readdirSync(dist)) if (name !== '.gitignore') rmSync(join(dist, name), { recursive: true });
  process.exit(0);
}

// What is made of the API's description has words of it, and loads nothing.
for (const path of files(join(root, 'src')).filter((path) => !path.endsWith('types.ts'))) {
  const lines = readFileSync(path, 'utf8').split('\n');
  for (const [at, line] of lines.entries())
    for (const [never, instead] of NEVER)
      if (never.test(line)) {
        console.error(`${relative(root, path)}:${at + 1}: ${instead}`);
        process.exit(1);
      }
}

let all = 0;
const list = [];
for (const path of files(dist).sort()) {
  const name = relative(dist, path);
  if (name === '.gitignore') continue;
  const bytes = readFileSync(path);
  const gzip = gzipSync(bytes, { level: 9 });
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  if (gzip.length < bytes.length) writeFileSync(`${path}.gz`, gzip);
  if (brotli.length < bytes.length) writeFileSync(`${path}.br`, brotli);
  all += Math.min(gzip.length, bytes.length);
  list.push(name);
}
console.log(`bundle: ${(all / 1000).toFixed(1)} kB by gzip, of ${BUNDLE_MAX / 1000} kB`);
if (all > BUNDLE_MAX) {
  console.error('the bundle is too large: what did the last change bring in?');
  process.exit(1);
}
if (!existsSync(join(dist, 'index.html'))) throw new Error('there is no index.html');
writeFileSync(join(dist, 'files.txt'), `${list.join('\n')}\n`);
