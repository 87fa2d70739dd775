import { describe, expect, test } from 'vitest';
import { decodeRequest } from '../../../../src/daemon/control/decode-request.ts';

describe('decodeRequest', () => {
  test.each([
    { type: 'status', id: 1 },
    { type: 'flows', id: 2, name: 'office', limit: 100 },
    { type: 'endings', id: 3, name: 'office', limit: 1 },
    { type: 'reach', id: 4, name: 'office', host: 'db.internal', port: 5432 },
    { type: 'reach', id: 4, name: 'office', host: null, port: null },
    { type: 'down', id: 4, name: 'me@bastion-22' },
    { type: 'reload', id: 5, name: 'office' },
    { type: 'login', id: 6, name: 'office' },
    { type: 'answer', id: 6, text: '123456' },
    { type: 'answer', id: 6, text: null },
  ])('takes $type', (request) => {
    expect(decodeRequest(JSON.stringify(request))).toEqual(request);
  });

  test.each([
    '',
    'status',
    '[]',
    'null',
    '{}',
    '{"type":"status"}',
    '{"type":"status","id":"1"}',
    '{"type":"status","id":-1}',
    '{"type":"status","id":1.5}',
    '{"type":"status","id":1,"name":"office"}',
    '{"type":"toString","id":1}',
    '{"type":"flows","id":1,"name":"office"}',
    '{"type":"flows","id":1,"name":"office","limit":0}',
    '{"type":"flows","id":1,"name":"office","limit":1000000}',
    '{"type":"reach","id":1,"name":"office","host":"h","port":0}',
    '{"type":"reach","id":1,"name":"office","host":null,"port":1}',
    '{"type":"reach","id":1,"name":"office","host":"h","port":null}',
    `{"type":"down","id":1,"name":"${'x'.repeat(401)}"}`,
    '{"type":"down","id":1,"name":["office"]}',
    '{"type":"answer","id":1,"text":1}',
    '{"type":"up","id":1,"name":"office"}',
    '{"type":"hello","id":1}',
  ])('refuses %s', (line) => {
    expect(() => decodeRequest(line)).toThrow(/^[^{]*$/);
  });
});
