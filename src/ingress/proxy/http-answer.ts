import { endToEndFields, hasOnlyFieldNames, withoutField } from './http-request.ts';

/** The head of an answer as Node's parser gives it, which takes more than Node's server writes (native-notes/node-http.md). */
export interface AnswerHead {
  readonly statusCode?: number | undefined;
  readonly statusMessage?: string | undefined;
  /** Names and values by turns. */
  readonly rawHeaders: readonly string[];
}

/** An answer that may be written to a client, or in one sentence why none can be made of it. */
export type PassedOnHead =
  | { readonly kind: 'head'; readonly status: number; readonly reason: string; readonly fields: string[] }
  | { readonly kind: 'invalid'; readonly why: string };

/** Final ones; 100 to 199 come before them, and what is below or above is none (RFC 9110 section 15). */
const FIRST_FINAL_STATUS = 200;
const LAST_STATUS = 999;

/** RFC 9110 section 5.5, RFC 9112 section 4. */
const NO_FIELD_CONTENT = /[^\t\x20-\x7e\x80-\xff]/g;

/**
 * What goes on to the client of an answer's head: nothing that Node's server could refuse to write, for it throws then.
 * A control character becomes a space, as RFC 9110 section 5.5 has it.
 */
export function passedOnHead({ statusCode = 0, statusMessage = '', rawHeaders }: AnswerHead): PassedOnHead {
  if (statusCode < FIRST_FINAL_STATUS || statusCode > LAST_STATUS)
    return invalid(`has the status ${String(statusCode).padStart(3, '0')}, which no answer has`);
  const fields = endToEndFields(rawHeaders);
  if (!hasOnlyFieldNames(fields)) return invalid('has a field whose name is none');
  for (let index = 0; index < fields.length; index += 2) {
    const [name = '', value = ''] = fields.slice(index, index + 2);
    // None but this was offered. A client that got its body would not know how to read it.
    if (name.toLowerCase() === 'transfer-encoding' && value.trim().toLowerCase() !== 'chunked')
      return invalid('has a transfer coding that nobody asked for');
    fields[index + 1] = printable(value);
  }
  // The writer of the answer frames the body anew.
  const kept = withoutField(fields, 'transfer-encoding');
  return { kind: 'head', status: statusCode, reason: printable(statusMessage), fields: kept };
}

function printable(text: string): string {
  return text.replaceAll(NO_FIELD_CONTENT, ' ');
}

function invalid(why: string): PassedOnHead {
  return { kind: 'invalid', why };
}
