/** What may be asked of the local API, checked by one schema each; anything else is a usage error that says so. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { OPTIONS } from '../../config/index.ts';
import { isFault, MonsoonError, parseNodeId } from '../../src/base/index.ts';
import {
  CATEGORIES,
  FILTER_LIST_BYTES_MAX,
  FILTER_TITLE_LENGTH_MAX,
  parseListingQuery,
  TAGS_MAX,
} from '../../src/listing/index.ts';
import { LIST_LENGTH_MAX } from '../../src/overlay/index.ts';
import { FILE_RULES_MAX } from '../../src/torrent/index.ts';
import type {
  CapChange,
  Choice,
  Claims,
  FilterChange,
  ListingQuery,
  RateChange,
  Statement,
  TorrentAction,
  Wanted,
  WantedRole,
} from '../running-node.ts';
import type { SettingChanges } from './settings.ts';

// Nobody asks often enough for a compiled check to be worth its making, which the first to ask would wait for.
z.config({ jitless: true });

/** A share: what, and what its publisher says about it. */
export interface ShareQuestion {
  readonly path: string;
  readonly claims: Claims;
}
export interface GetQuestion {
  readonly what: string;
  readonly directory: string | undefined;
  /** Undefined when nothing was said about it. */
  readonly wanted: Wanted | undefined;
}

const PATH_LENGTH_MAX = 4096;
const WHAT_LENGTH_MAX = 16_384;
const DESCRIPTION_LENGTH_MAX = 4096;
const TAG_LENGTH_MAX = 64;
const SELECTOR_LENGTH_MAX = 4096;
/** Rules of one change; a list of many is sent in parts. */
const RULES_MAX = 1000;
const RULES_LENGTH_MAX = 512;

// The node's working directory is not the asker's: a relative path would name something else.
const absolutePath = z.string().max(PATH_LENGTH_MAX).refine(isAbsolute, 'expected an absolute path');
const claimMembers = {
  category: z.enum(CATEGORIES).optional(),
  description: z.string().max(DESCRIPTION_LENGTH_MAX).optional(),
  tags: z.array(z.string().max(TAG_LENGTH_MAX)).max(TAGS_MAX).optional(),
};
const shareSchema = z.strictObject({ path: absolutePath, ...claimMembers });
const statementSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['publish', 'edit']), ...claimMembers }),
  z.strictObject({ type: z.literal('withdraw') }),
]);
const rules = z.array(z.string().max(RULES_LENGTH_MAX)).max(RULES_MAX).optional();
const author = z.string().transform((text, context) => {
  const key = parseNodeId(text);
  if (!key) context.addIssue({ code: 'custom', message: 'is no key: a key has 64 hex digits' });
  return key ?? z.NEVER;
});
const filterSchema = z.strictObject({
  add: rules,
  remove: rules,
  subscribe: z.strictObject({ author, takesOnly: z.boolean() }).optional(),
  unsubscribe: author.optional(),
  publish: z
    .strictObject({ title: z.string().max(FILTER_TITLE_LENGTH_MAX), rules: z.string().max(FILTER_LIST_BYTES_MAX) })
    .optional(),
});
const selectors = z.array(z.string().min(1).max(SELECTOR_LENGTH_MAX)).min(1).max(FILE_RULES_MAX);
const getSchema = z.strictObject({
  what: z.string().min(1).max(WHAT_LENGTH_MAX),
  directory: absolutePath.optional(),
  files: selectors.optional(),
  isSequential: z.boolean().optional(),
});
const choiceSchema = z.strictObject({
  only: selectors.optional(),
  skip: selectors.optional(),
  low: selectors.optional(),
  normal: selectors.optional(),
  high: selectors.optional(),
  isSequential: z.boolean().optional(),
});
const rate = z.int().min(0).nullable().optional();
const rateChange = { down: rate, up: rate };
const within = ({ min, max }: { readonly min: number; readonly max: number }) => z.int().min(min).max(max).optional();
const hostsSchema = z.strictObject({ list: z.string().min(1).max(LIST_LENGTH_MAX) });
const capSchema = z.strictObject({
  trackingBytesPerSecond: within(OPTIONS.trackingBytesPerSecond),
  hashes: within(OPTIONS.trackingHashes),
  peers: within(OPTIONS.trackingPeers),
});
const roleSchema = z.strictObject({ role: z.enum(OPTIONS.role.choices) });
const actionSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['pause', 'resume', 'verify']) }),
  z.strictObject({ type: z.literal('remove'), withData: z.boolean() }),
  z.strictObject({ type: z.literal('move'), directory: absolutePath }),
  z.strictObject({ type: z.literal('limit'), ...rateChange }),
  z.strictObject({ type: z.literal('queue'), to: z.enum(['first', 'last', 'up', 'down']) }),
]);
/** Options that one form of the page may send. */
const SETTINGS_MAX = 40;
const settingsSchema = z
  .record(z.string().max(64), z.string().max(PATH_LENGTH_MAX))
  .refine((changes) => Object.keys(changes).length <= SETTINGS_MAX, 'too many options');

/** Checks the body of POST /api/share; throws a MonsoonError (`usage`). */
export function parseShareQuestion(body: unknown): ShareQuestion {
  const { path, ...claims } = checked(shareSchema, body);
  return { path, claims: withoutUndefined(claims) };
}

/** Checks the body of POST /api/listing/WHAT; throws a MonsoonError (`usage`). */
export function parseStatement(body: unknown): Statement {
  const statement = checked(statementSchema, body);
  if (statement.type === 'withdraw') return statement;
  const { type, ...claims } = statement;
  return { type, claims: withoutUndefined(claims) };
}

/** Checks the body of POST /api/filter; throws a MonsoonError (`usage`). */
export function parseFilterChange(body: unknown): FilterChange {
  return checked(filterSchema, body);
}

/** Checks the body of POST /api/get; throws a MonsoonError (`usage`). */
export function parseGetQuestion(body: unknown): GetQuestion {
  const { what, directory, files, isSequential } = checked(getSchema, body);
  const isSaid = files !== undefined || isSequential !== undefined;
  return { what, directory, wanted: isSaid ? { files: files ?? [], isSequential: isSequential ?? false } : undefined };
}

/** Checks the body of POST /api/torrents/HASH/files; throws a MonsoonError (`usage`). */
export function parseChoice(body: unknown): Choice {
  return withoutUndefined(checked(choiceSchema, body));
}

/** Checks the body of POST /api/torrents/WHAT; throws a MonsoonError (`usage`). */
export function parseTorrentAction(body: unknown): TorrentAction {
  return checked(actionSchema, body);
}

/** Checks the body of POST /api/limits; throws a MonsoonError (`usage`). */
export function parseRateChange(body: unknown): RateChange {
  return checked(z.strictObject(rateChange), body);
}

/** Checks the body of POST /api/role; throws a MonsoonError (`usage`). */
export function parseRole(body: unknown): WantedRole {
  return checked(roleSchema, body).role;
}

/** Checks the body of POST /api/hosts; throws a MonsoonError (`usage`). */
export function parseHostsQuestion(body: unknown): string {
  return checked(hostsSchema, body).list;
}

/** Checks the body of POST /api/caps; throws a MonsoonError (`usage`). */
export function parseCapChange(body: unknown): CapChange {
  return checked(capSchema, body);
}

/** Checks the body of POST /api/config, whose names and values the option table knows; throws a MonsoonError (`usage`). */
export function parseSettingChanges(body: unknown): SettingChanges {
  return checked(settingsSchema, body);
}

/** Checks the query of GET /api/listing; throws a MonsoonError (`usage`). */
export function parseListingQuestion(parameters: URLSearchParams): ListingQuery {
  const query = parseListingQuery(parameters);
  if (isFault(query)) throw new MonsoonError('usage', query.text);
  return query;
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new MonsoonError('usage', `${issue!.path.join('.') || 'the request'}: ${issue!.message}`);
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
}
