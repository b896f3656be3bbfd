// Requests whose answer is not one piece of JSON: lines that come as they happen, and files.

import { BASE, changing } from './client';
import { Refused, problemOf, unreachable } from './problem';

async function post(path: string, body: unknown, signal: AbortSignal | undefined, accept: string): Promise<Response> {
  const init: RequestInit = {
    method: 'POST',
    headers: { accept, 'content-type': 'application/json', ...changing() },
    credentials: 'same-origin',
    cache: 'no-store',
    body: JSON.stringify(body),
  };
  if (signal) init.signal = signal;
  let response: Response;
  try {
    response = await fetch(BASE + path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Refused(unreachable());
  }
  if (!response.ok) throw new Refused(await problemOf(response));
  return response;
}

/** Hands over each line of the answer (NDJSON) as it comes. */
export async function lines<T>(path: string, body: unknown, each: (line: T) => void, signal?: AbortSignal): Promise<void> {
  const response = await post(path, body, signal, 'application/x-ndjson');
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    rest += decoder.decode(value, { stream: !done });
    const all = rest.split('\n');
    rest = done ? '' : (all.pop() ?? '');
    for (const line of all) if (line.trim()) each(JSON.parse(line) as T);
    if (done) return;
  }
}

/** A file, and how much of it has come so far; `most` is what the server announced. */
export async function file(
  path: string,
  body: unknown,
  so_far: (bytes: number, most: number) => void,
  signal?: AbortSignal,
): Promise<Blob> {
  const response = await post(path, body, signal, 'application/octet-stream');
  const most = Number(response.headers.get('backup-bytes') ?? 0);
  const reader = response.body?.getReader();
  const pieces: BlobPart[] = [];
  let bytes = 0;
  for (;;) {
    const piece = await reader?.read();
    if (!piece || piece.done) break;
    pieces.push(piece.value);
    bytes += piece.value.length;
    so_far(bytes, most);
  }
  return new Blob(pieces, { type: 'application/octet-stream' });
}
