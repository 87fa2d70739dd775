/**
 * The root process. It holds redirect rules for one client, and nothing else.
 *
 *     stdin   requests (protocol.ts)         its end means: undo everything and exit
 *     stdout  replies
 *     stderr  one JSON object a line, for the client's log
 *
 * It ends when its client does, whatever happens: a process that is killed closes its end of stdin. SIGTERM does the
 * same. All other signals are for the client to judge: they reach both when the user presses Ctrl-C or closes the terminal, and
 * rules must stay until the client has ended its flows. Whatever else it has of its caller it lets go of first (inheritance.ts).
 */
import { serveClient } from './serve-client.ts';

serveClient();
