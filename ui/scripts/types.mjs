// Makes src/api/types.ts of docs/openapi.json, so that the compiler knows what the server says. It is made at
// each build and not kept: there is nothing in it that does not stand in the description.

import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);
const api = JSON.parse(readFileSync(new URL('../docs/openapi.json', root), 'utf8'));

const named = (ref) => ref.split('/').at(-1);
const key = (name) => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : JSON.stringify(name));
const union = (all) => [...new Set(all)].join(' | ') || 'unknown';

/** A JSON schema (2020-12, as schemars writes it) as a type. */
function type(schema) {
  if (schema === true || schema === undefined) return 'unknown';
  if (schema === false) return 'never';
  const parts = [];
  // A variant that is a named type has its tag beside it.
  if (schema.$ref) parts.push(named(schema.$ref));
  if (schema.const !== undefined) parts.push(JSON.stringify(schema.const));
  else if (schema.enum) parts.push(union(schema.enum.map((one) => JSON.stringify(one))));
  for (const many of [schema.oneOf, schema.anyOf]) if (many) parts.push(`(${union(many.map(type))})`);
  if (schema.allOf) parts.push(...schema.allOf.map(type));
  const kinds = schema.type === undefined ? [] : [schema.type].flat();
  const plain = kinds
    .filter((kind) => schema.const === undefined && !schema.enum && (kind !== 'object' || !schema.$ref || schema.properties))
    .map((kind) => ofKind(kind, schema));
  // An object may have its own properties beside one of several shapes.
  const beside = schema.properties && parts.length > 0 && !plain.length ? [object(schema)] : [];
  if (plain.length) parts.push(plain.length > 1 ? `(${union(plain)})` : plain[0]);
  return [...parts, ...beside].join(' & ') || 'unknown';
}

function ofKind(kind, schema) {
  switch (kind) {
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      if (schema.prefixItems) return `[${schema.prefixItems.map(type).join(', ')}]`;
      return `(${type(schema.items)})[]`;
    case 'object':
      return object(schema);
    default:
      return kind;
  }
}

function object(schema) {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {}).map(([name, of]) => {
    const says = of.description ? `/** ${of.description.replaceAll('*/', '* /').replaceAll('\n', ' ')} */ ` : '';
    return `${says}${key(name)}${required.has(name) ? '' : '?'}: ${type(of)};`;
  });
  const more = schema.additionalProperties;
  if (more && more !== true) return fields.length ? `{ ${fields.join(' ')} }` : `Record<string, ${type(more)}>`;
  return fields.length ? `{ ${fields.join(' ')} }` : 'Record<string, unknown>';
}

const lines = ['// Made of docs/openapi.json by scripts/types.mjs; a change belongs there.', ''];
for (const [name, schema] of Object.entries(api.components.schemas)) {
  if (schema.description) lines.push(`/** ${schema.description.replaceAll('*/', '* /').replaceAll('\n', ' ')} */`);
  lines.push(`export type ${name} = ${type(schema)};`, '');
}

lines.push('/** Every route that answers with JSON, or with nothing. */', 'export interface Routes {');
for (const [path, methods] of Object.entries(api.paths)) {
  if (!path.startsWith('/api/v1/')) continue;
  for (const [method, operation] of Object.entries(methods)) {
    const parameters = operation.parameters ?? [];
    const of = (where) => {
      const all = parameters.filter((one) => one.in === where);
      return `{ ${all.map((one) => `${key(one.name)}${one.required ? '' : '?'}: ${type(one.schema)};`).join(' ')} }`;
    };
    const content = operation.responses?.['200']?.content;
    const json = content?.['application/json'];
    if (content && !json) continue;
    const takes = operation.requestBody?.content?.['application/json'];
    if (operation.requestBody && !takes) continue;
    const short = path.slice('/api/v1'.length);
    lines.push(
      `  ${JSON.stringify(`${method.toUpperCase()} ${short}`)}: { path: ${of('path')}; query: ${of('query')}; ` +
        `body: ${takes ? type(takes.schema) : 'undefined'}; gives: ${json ? type(json.schema) : 'undefined'} };`,
    );
  }
}
lines.push('}', '');
writeFileSync(new URL('src/api/types.ts', root), lines.join('\n'));
