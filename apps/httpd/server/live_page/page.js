
'use strict';
// The page reads one stream and shows its newest rows. What events carry is shown as text, never as markup.
const rowsMax = 200;
const textMax = 2000;        // characters shown of one event's data
const reopenMsMax = 15000;

const element = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const accounts = (query.getAll('account_id').join(',').match(/\d+/g) || []).join(',');

let pending = [];            // rows that wait for the next frame, at most rowsMax
let events = 0;
let eventsAtTick = 0;
let missed = 0;
let lastCursor = '';
let reopenMs = 1000;

function showState(state, text) {
  element('state').dataset.state = state;
  element('state-text').textContent = text;
}

// Inside JSON an escape means the same as the character, and cannot reorder or hide the text around it.
function visible(text) {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => '\\u' + character.charCodeAt(0).toString(16).padStart(4, '0'));
}

// An event line is read as text: JSON.parse would round the numbers above 2^53. `data` is the last member, and none
// before it can contain a quotation mark.
function readEvent(line) {
  const head = /"account_id":(\d+),"timestamp":"([^"]*)"/.exec(line);
  const start = line.indexOf(',"data":');
  if (!head || start < 0) return null;
  return { account: head[1], timestamp: head[2], data: line.slice(start + 8, -1) };
}

function readGap(text) {
  try {
    const gap = JSON.parse(text);
    return { reason: String(gap.reason), missed: Number(gap.missed) || 0 };
  } catch {
    return { reason: 'unknown', missed: 0 };
  }
}

const gapTexts = {
  'slow-subscriber': 'this page read too slowly',
  'expired': 'the history asked for is no longer held',
  'unknown-cursor': 'the server has started anew and does not know our position',
  'disconnected': 'the server had lost its broker',
  'sequence': 'numbers are missing',
  'corrupt': 'the log is damaged here',
};

function eventRow(event) {
  const row = document.createElement('tr');
  row.className = 'fresh';
  const time = document.createElement('time');
  time.dateTime = time.title = event.timestamp;
  time.textContent = event.timestamp.slice(11, 23);
  row.insertCell().append(time);
  row.insertCell().textContent = event.account;
  const data = document.createElement('div');
  const rest = event.data.length - textMax;
  data.textContent = visible(event.data.slice(0, textMax)) + (rest > 0 ? ` … and ${rest} characters more` : '');
  row.insertCell().append(data);
  return row;
}

function gapRow(gap) {
  const row = document.createElement('tr');
  row.className = 'gap';
  const what = gap.missed ? `${gap.missed} events missed` : 'events may be missing';
  const cell = row.insertCell();
  cell.colSpan = 3;
  cell.textContent = `Gap: ${what} — ${gapTexts[gap.reason] || visible(gap.reason)}`;
  return row;
}

// A frame at a time, however fast events come; only what will be seen becomes an element.
function draw() {
  const rows = element('rows');
  rows.prepend(...pending.map((item) => item.gap ? gapRow(item.gap) : eventRow(item)).reverse());
  pending = [];
  while (rows.rows.length > rowsMax) rows.deleteRow(-1);
  element('empty').hidden = rows.rows.length > 0;
  element('count-events').textContent = events.toLocaleString('en');
  element('count-missed').textContent = missed.toLocaleString('en');
  element('missed').hidden = missed === 0;
}

function add(item) {
  if (pending.length === 0) requestAnimationFrame(draw);
  pending.push(item);
  if (pending.length > rowsMax) pending.shift();
}

function open() {
  const parameters = new URLSearchParams();
  if (accounts) parameters.set('account_id', accounts);
  if (lastCursor) parameters.set('since', lastCursor);
  else parameters.set('tail', '50');
  const source = new EventSource('/v1/events?' + parameters);

  source.onopen = () => {
    reopenMs = 1000;
    showState('live', 'live');
  };
  source.onmessage = (message) => {
    lastCursor = message.lastEventId || lastCursor;
    const event = readEvent(message.data);
    if (!event) return;
    events += 1;
    add(event);
  };
  source.addEventListener('gap', (message) => {
    lastCursor = message.lastEventId || lastCursor;
    const gap = readGap(message.data);
    missed += gap.missed;
    add({ gap });
  });
  // A broken connection is reopened by the browser, which then sends its position. After an answer that is no stream
  // it gives up, so the page goes on from the last position that it saw.
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return showState('connecting', 'reconnecting');
    showState('refused', `the server refuses the stream, next try in ${Math.round(reopenMs / 1000)} s`);
    setTimeout(open, reopenMs);
    reopenMs = Math.min(reopenMs * 2, reopenMsMax);
  };
}

// The clipboard's interface exists on https and loopback only; elsewhere the marked line is copied the old way.
async function copy() {
  const button = element('copy');
  const marked = getSelection();
  marked.selectAllChildren(element('curl'));
  try {
    await navigator.clipboard.writeText(element('curl').textContent);
    button.textContent = 'Copied';
  } catch {
    button.textContent = document.execCommand('copy') ? 'Copied' : 'Press Ctrl+C';
  }
  setTimeout(() => { button.textContent = 'Copy'; }, 2000);
}

element('filter').value = accounts;
element('curl').textContent =
  `curl -XPOST -d '{"account_id":${accounts.split(',')[0] || 1},"data":"foo"}' ${location.origin}/`;
element('copy').addEventListener('click', copy);
setInterval(() => {
  element('count-rate').textContent = (events - eventsAtTick).toLocaleString('en');
  eventsAtTick = events;
}, 1000);
open();
