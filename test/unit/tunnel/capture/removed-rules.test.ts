import { expect, test } from 'vitest';
import { TshuttleError } from '../../../../src/core/errors.ts';
import { RemovedRules } from '../../../../src/tunnel/capture/removed-rules.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

test('a listener hears of rules that go and come, as of changes of the connection, until it ends that', () => {
  const removed = new RemovedRules('hold', recordingLogger());
  const heard: string[] = [];
  const connection = new Set<() => void>();
  const end = removed.onChange(
    () => heard.push(removed.lastError?.message ?? 'connection'),
    (listener) => {
      connection.add(listener);
      return () => connection.delete(listener);
    },
  );
  for (const listener of connection) listener();
  removed.onRemoved('lost', new TshuttleError('ERR_RULES_REMOVED', 'rules are gone'));
  removed.onRemoved('back', new TshuttleError('ERR_RULES_REMOVED', 'rules are back'));
  expect(heard).toEqual(['connection', 'rules are gone', 'rules are back']);
  end();
  removed.onRemoved('lost', new TshuttleError('ERR_RULES_REMOVED', 'again'));
  expect(heard).toHaveLength(3);
  expect(connection.size).toBe(0);
});
