// The one door to the server: every request of every view leaves here.
//
//   const { data, tag } = await ask('GET /machines/{machine}', { path: { machine: mac } });
//   await ask('PATCH /machines/{machine}', { path: { machine: mac }, body: { notes }, tag });
//
// What is refused is thrown as `Refused`, with the server's own words.

import { Refused, problemOf, unreachable } from './problem';
import type { Routes, SessionView, UploadView } from './types';

export const BASE = '/api/v1';

type Wish<R extends keyof Routes> = {
  query?: Routes[R]['query'];
  /** Change it only if it still has this ETag. */
  tag?: string | null;
  /** Change it only if it is not there yet. */
  absent?: boolean;
  /** Whoever asked has gone elsewhere. */
  signal?: AbortSignal;
} & (keyof Routes[R]['path'] extends never ? { path?: undefined } : { path: Routes[R]['path'] }) &
  (Routes[R]['body'] extends undefined ? { body?: undefined } : { body: Routes[R]['body'] });

export interface Answer<T> {
  data: T;
  /** Its ETag, to be sent back with a change. */
  tag: string | null;
  /** Where the next page is, as a cursor. */
  next: string | null;
}

/** What requests that change something have to show. */
let csrf: string | null = null;
/** Called when the server does not know us any more. */
let onSignedOut: () => void = () => undefined;

export function whenSignedOut(then: () => void): void {
  onSignedOut = then;
}

/** Remembers the session for the requests that follow. */
export function keep(session: SessionView | null): void {
  csrf = session?.csrf ?? null;
}

/** Headers that a request which changes something has to bring, for those that do not go through `ask`. */
export function changing(): Record<string, string> {
  return csrf ? { 'x-csrf-token': csrf } : {};
}

export async function ask<R extends keyof Routes>(
  route: R,
  ...[wish]: object extends Wish<R> ? [Wish<R>?] : [Wish<R>]
): Promise<Answer<Routes[R]['gives']>> {
  const { path, query, body, tag, absent, signal } = (wish ?? {}) as {
    path?: Record<string, string>;
    query?: Record<string, unknown>;
    body?: unknown;
    tag?: string | null;
    absent?: boolean;
    signal?: AbortSignal;
  };
  const [method = 'GET', template = ''] = route.split(' ');
  const url = BASE + filled(template, path) + asQuery(query);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (tag && method !== 'GET') headers['if-match'] = tag;
  if (absent && method !== 'GET') headers['if-none-match'] = '*';
  // What is sent twice because the first answer was lost is done once.
  if (method === 'POST' && route !== 'POST /session' && !route.endsWith('/preview') && !query?.dry_run) headers['idempotency-key'] = random();
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (signal) init.signal = signal;

  let response = await send(url, init);
  if (response.status === 403 && method !== 'GET' && csrf !== null && (await renewed())) {
    // Another tab signed in anew: the session is another one than when this page was opened.
    response = await send(url, init);
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    if (response.status === 401 && route !== 'POST /session') onSignedOut();
    throw new Refused(problem);
  }
  const data = (response.status === 204 ? undefined : await response.json()) as Routes[R]['gives'];
  return { data, tag: response.headers.get('etag'), next: cursor(response.headers.get('link')) };
}

async function send(url: string, init: RequestInit): Promise<Response> {
  const headers: Record<string, string> = { ...(init.headers as Record<string, string>) };
  if (init.method !== 'GET' && csrf) headers['x-csrf-token'] = csrf;
  const request = { ...init, headers };
  try {
    return await fetch(url, request);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    // Once more: with its key, a POST that did arrive is not done again.
    if (init.method === 'GET' || 'idempotency-key' in headers) {
      await new Promise((then) => setTimeout(then, 400));
      try {
        return await fetch(url, request);
      } catch {
        // Said below.
      }
    }
    throw new Refused(unreachable());
  }
}

/** Whether the session is another one than we thought. */
async function renewed(): Promise<boolean> {
  const response = await fetch(`${BASE}/session`, { headers: { accept: 'application/json' } });
  if (!response.ok) return false;
  const session = (await response.json()) as SessionView;
  const before = csrf;
  keep(session);
  return csrf !== null && csrf !== before;
}

function filled(template: string, path: Record<string, string> = {}): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''));
}

function asQuery(query: Record<string, unknown> = {}): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return set.length ? `?${new URLSearchParams(set.map(([name, value]) => [name, String(value)]))}` : '';
}

/** `after` of `<...?after=MAC>; rel="next"` (RFC 8288). */
function cursor(link: string | null): string | null {
  const next = link?.split(',').find((one) => /rel="?next"?/.test(one));
  const target = next?.match(/<([^>]*)>/)?.[1];
  return target ? new URL(target, location.origin).searchParams.get('after') : null;
}

function random(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** How much of a piece left, and where its upload stands when it has arrived. */
export interface Piece {
  id: string;
  /** Which byte of the upload comes first. */
  offset: number;
  bytes: Blob;
  sent: (bytes: number) => void;
  signal: AbortSignal;
}

/** Sends the next bytes of an upload. An XMLHttpRequest, since `fetch` does not say how much has left. */
export async function sendPiece(piece: Piece): Promise<UploadView> {
  let answer = await tryPiece(piece);
  if (answer.status === 403 && csrf !== null && (await renewed())) answer = await tryPiece(piece);
  if (answer.ok) return (await answer.json()) as UploadView;
  if (answer.status === 401) onSignedOut();
  throw new Refused(await problemOf(answer));
}

function tryPiece({ id, offset, bytes, sent, signal }: Piece): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    request.open('PATCH', `${BASE}/uploads/${encodeURIComponent(id)}`);
    request.setRequestHeader('accept', 'application/json');
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.setRequestHeader('upload-offset', String(offset));
    if (csrf) request.setRequestHeader('x-csrf-token', csrf);
    request.upload.onprogress = (event) => sent(event.loaded);
    request.onload = () => {
      const headers = { 'content-type': request.getResponseHeader('content-type') ?? '' };
      resolve(new Response(request.responseText, { status: request.status, headers }));
    };
    request.onerror = () => reject(new Refused(unreachable()));
    request.onabort = () => reject(new DOMException('stopped', 'AbortError'));
    request.onloadend = () => signal.removeEventListener('abort', stop);
    signal.addEventListener('abort', stop);
    if (signal.aborted) reject(new DOMException('stopped', 'AbortError'));
    else request.send(bytes);
  });
}
