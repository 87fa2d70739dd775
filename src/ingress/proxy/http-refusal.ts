import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { lingeringClose } from './lingering-close.ts';

/** Answers a request by ourselves. Nothing of an answer has been sent yet. */
export function refuse(response: ServerResponse, status: number, why: string): void {
  // With a reason of its own: one of an answer that could not be written would be kept.
  response.writeHead(status, reasonOf(status), refusalFields(status, why));
  response.end(bodyOf(why));
}

/** Answers a CONNECT by ourselves, and ends the connection. */
export function refuseConnect(socket: Socket, status: number, why: string): void {
  const fields = Object.entries(refusalFields(status, why)).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} ${reasonOf(status)}\r\n${fields.join('')}\r\n${bodyOf(why)}`);
  lingeringClose(socket);
}

/** Ends the connection of a client whose request does not come, as Node.js does it. */
export function refuseLate(socket: Socket): void {
  socket.write(`HTTP/1.1 408 ${reasonOf(408)}\r\nConnection: close\r\n\r\n`);
  socket.destroy();
}

function reasonOf(status: number): string {
  return STATUS_CODES[status] ?? '';
}

function refusalFields(status: number, why: string): Readonly<Record<string, string>> {
  const body = {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(bodyOf(why))),
  };
  return status === 407 ? { ...body, 'Proxy-Authenticate': 'Basic realm="tshuttle"' } : body;
}

function bodyOf(why: string): string {
  return `tshuttle: ${why}\n`;
}
