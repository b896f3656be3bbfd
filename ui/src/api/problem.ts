// What went wrong, as the server says it (RFC 9457), or as we say it when no server answered.

import { t } from '../texts';
import type { Problem } from './types';

/** A refusal, or a request that got no answer. */
export class Refused extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
  get status(): number {
    return this.problem.status;
  }
}

/** What was typed is not what is asked for, which we see without the server. */
export class Mistyped extends Error {}

/** The problem of an answer that is none of the good ones. */
export async function problemOf(response: Response): Promise<Problem> {
  if (response.headers.get('content-type')?.startsWith('application/problem+json')) {
    try {
      return (await response.json()) as Problem;
    } catch {
      // Cut off on its way: the status is all there is.
    }
  }
  const title = t.problem.status(response.status);
  return { type: 'about:blank', title, status: response.status, detail: title };
}

/** No answer came at all. */
export function unreachable(): Problem {
  const { title, hint } = t.problem.unreachable;
  return { type: 'urn:bootwright:ui:unreachable', title, status: 0, detail: title, hint };
}

/** Anything that was thrown, as a problem that can be shown. */
export function shown(error: unknown): Problem {
  if (error instanceof Refused) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  if (error instanceof Mistyped) return { type: 'urn:bootwright:ui:mistyped', title: detail, status: 0, detail };
  return { type: 'urn:bootwright:ui:bug', title: t.problem.bug.title, status: 0, detail, hint: t.problem.bug.hint };
}
