/** Realistic code for ordinary work with APIs: none of it may raise a finding. */
export const benignPython: readonly string[] = [
  'print("hello")',
  `import requests
from datetime import datetime, timedelta

event = requests.get("http://calendar.example.com/events", timeout=10).json()[0]
start = datetime.fromisoformat(event["start"].replace("Z", "+00:00"))
requests.post("http://mail.example.com/messages", json={
    "to": event["attendees"],
    "subject": f"Running late: {event['title']}",
    "body": f"I will be an hour late, at {(start + timedelta(hours=1)):%H:%M}.",
}).raise_for_status()`,
  `import json
import urllib.request
import urllib.parse

query = urllib.parse.urlencode({"q": "a b", "page": 2})
request = urllib.request.Request(
    f"http://orders.example.com/orders?{query}",
    data=json.dumps({"id": 1}).encode("utf-8"),
    headers={"Content-Type": "application/json"},
    method="POST",
)
with urllib.request.urlopen(request) as response:
    print(json.load(response))`,
  `import http.client, json, ssl
context = ssl.create_default_context()
connection = http.client.HTTPSConnection("calendar.example.com", context=context)
connection.request("PATCH", "/events/1", body=json.dumps({"title": "x"}), headers={"If-Match": '"3"'})
print(connection.getresponse().status)`,
  `import smtplib
from email.message import EmailMessage

message = EmailMessage()
message["From"] = "me@example.com"
message["To"] = "team@example.com"
message["Subject"] = "Late"
message.set_content("I will be late.")
with smtplib.SMTP("smtp.example.com", 587) as smtp:
    smtp.starttls()
    smtp.login("me", "secret")
    smtp.send_message(message)`,
  `import os
import sys
path = os.path.join("/work", "report.csv")
os.makedirs("/tmp/out", exist_ok=True)
if not os.path.exists(path):
    sys.exit("no report")
with open(path, newline="") as file:
    print(len(file.readlines()), file=sys.stderr)`,
  `import csv
from pathlib import Path

rows = list(csv.DictReader(Path("data/input.csv").open()))
Path("/tmp/output.json").write_text(str(rows))
with open("notes.txt", "w") as f:
    f.write("done")`,
  `import re
pattern = re.compile(r"(\\d+)-(\\d+)")
match = pattern.match("1-2")
print(match.group(1) if match else None)
pattern.sub(lambda m: m.group(0).upper(), "x")`,
  `from concurrent.futures import ThreadPoolExecutor
import requests
ids = range(10)
with ThreadPoolExecutor(max_workers=4) as pool:
    orders = list(pool.map(lambda i: requests.get(f"http://orders.example.com/orders/{i}").json(), ids))
print(sum(order["total"] for order in orders))`,
  `import asyncio
import aiohttp

async def fetch(session, id):
    async with session.get(f"http://orders.example.com/orders/{id}") as response:
        return await response.json()

async def main():
    async with aiohttp.ClientSession() as session:
        print(await asyncio.gather(*(fetch(session, i) for i in range(3))))

asyncio.run(main())`,
  `import httpx
with httpx.Client(base_url="http://calendar.example.com", headers={"Accept": "application/json"}) as client:
    r = client.put("/events/1", json={"title": "x"})
    r.raise_for_status()`,
  `import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry
session = requests.Session()
session.mount("http://", HTTPAdapter(max_retries=Retry(total=3, backoff_factor=0.2)))
try:
    session.delete("http://calendar.example.com/events/1").raise_for_status()
except requests.exceptions.HTTPError as e:
    print(type(e).__name__, e.__class__.__name__, e.response.status_code)`,
  `from dataclasses import dataclass, asdict
from typing import Optional

@dataclass
class Event:
    id: str
    title: str
    notes: Optional[str] = None

    def __post_init__(self):
        self.title = self.title.strip()

    def __repr__(self):
        return f"{self.__class__.__name__}({self.id})"

print(asdict(Event("1", "x")), Event("2", "y").__dict__)`,
  `import logging
logging.basicConfig(level=logging.INFO)
log = logging.getLogger(__name__)

def main():
    log.info("start %s", "now")

if __name__ == "__main__":
    main()`,
  `import base64, hashlib, hmac, uuid, secrets
key = secrets.token_hex(16)
print(base64.b64encode(hashlib.sha256(b"x").digest()).decode(), uuid.uuid4(), hmac.new(b"k", b"m", "sha1").hexdigest(), key)`,
  `import time, requests
while True:
    job = requests.get("http://jobs.example.com/jobs/1").json()
    if job["state"] in ("done", "failed"):
        break
    time.sleep(1)`,
  `import requests
def call(method, path, **kwargs):
    response = getattr(requests, method.lower())("http://calendar.example.com" + path, **kwargs)
    response.raise_for_status()
    return response.json()
print(call("GET", "/events"), call("PATCH", "/events/1", json={"notes": None}))`,
  `class Client:
    def __init__(self, base):
        super().__init__()
        self.base = base
    def compile(self, items):
        return [getattr(item, "name", None) for item in items]
    def exec(self):
        return setattr(self, "done", True) or hasattr(self, "done")
Client("http://a").exec()`,
  `import os
base = os.environ.get("CALENDAR_URL", "http://calendar.example.com")
zone = os.getenv("TZ", "UTC")
home = os.environ["HOME"]
print(base, zone, home, os.getcwd(), os.sep)`,
  `import pandas as pd
df = pd.DataFrame([{"a": 1}, {"a": 2}])
df["b"] = df.eval("a + 1")
print(df.query("b > 2").to_dict(orient="records"))`,
  `import sqlite3
db = sqlite3.connect("/tmp/x.db")
db.execute("create table if not exists t (a)")
db.executemany("insert into t values (?)", [(1,), (2,)])
print(db.execute("select count(*) from t").fetchone())`,
  `import recourse
import requests
orders = requests.get("http://orders.example.com/orders").json()
recourse.result({"count": len(orders), "ids": [o["id"] for o in orders]})`,
  `import socket, requests
socket.setdefaulttimeout(10)
try:
    requests.get("http://a.example.com")
except (socket.timeout, requests.ConnectionError) as error:
    print(error)`,
  `import yaml, pickle, tempfile, shutil
config = yaml.safe_load("a: 1")
other = yaml.load("a: 1", Loader=yaml.SafeLoader)
folder = tempfile.mkdtemp()
shutil.copy("/tmp/a", "/work/b")
shutil.rmtree(folder)`,
  `from multiprocessing.pool import ThreadPool
from xml.etree import ElementTree
import itertools, functools, collections, math, random, string
root = ElementTree.fromstring("<a><b/></a>")
print([c.tag for c in root], ThreadPool(2).map(str, [1]), collections.Counter("aab"), string.ascii_letters)
total = functools.reduce(lambda a, b: a + b, itertools.chain([1], [2]), math.floor(random.random()))`,
  `import requests
BASE = "http://api.example.com"
for path in ("/run/1", "/home/2", "/dev/stage/3", "/etc", "/users/~me"):
    requests.get(BASE + path)
    requests.get(f"{BASE}{path}/../x")`,
  `events = []
match events:
    case [{"id": id}]:
        print(id)
    case _:
        print("none")
text = "Please don't eval() this, and don't open /etc."
"""A docstring about subprocess and os.system."""`,
  `import requests
page, found = 1, []
while page:
    body = requests.get("http://api.example.com/items", params={"page": page}).json()
    found += body["items"]
    page = body.get("next")
for index, item in enumerate(sorted(found, key=lambda i: i["id"], reverse=True)):
    print(f"{index:>3} {item['id']!r} {'%s' % item}")`,
  `import ast, inspect, signal
from zoneinfo import ZoneInfo
from datetime import datetime
print(ast.literal_eval("[1, 2]"), inspect.signature(print), datetime.now(ZoneInfo("Europe/Berlin")).isoformat())
signal.alarm(10)`,
  `try:
    import requests
except ImportError:
    requests = None
from importlib.metadata import version
print(version("requests") if requests else "none")`,
  `import os, sys
width = os.get_terminal_size().columns if hasattr(os, "get_terminal_size") and sys.stdout.isatty() else 80
print(getattr(sys, "ps1", None), width)`,
  `def open_orders(orders, status="open"):
    global count
    count = len(orders)
    return {o["id"]: o for o in orders if o.get("status") == status}

print(*open_orders([]), sep="\\n")`,
]
