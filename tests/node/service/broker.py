# SPDX-License-Identifier: Apache-2.0
"""Exchanges, queues and messages on the real broker. One thread owns the connection."""
import json
import sys
import threading
import traceback

PERSISTENT = 2
CONNECT_SECONDS = 110  # a busy machine takes its time to start a broker


def unpack(body):
    """Type and data of a message: one byte of version, then JSON."""
    if body[:1] != b"\x01":
        raise ValueError("a message of unknown version")
    message = json.loads(body[1:].decode("utf-8"))
    return message["message_type"], message["data"]


def pack(kind, data):
    return b"\x01" + json.dumps({"message_type": kind, "data": data}).encode("utf-8")


class Broker(threading.Thread):
    """`on_message(body)` gets what endpoints send, in the order of its arrival."""

    def __init__(self, url, on_message, on_lost):
        super().__init__(name="broker", daemon=True)
        self.url = url
        self._on_message, self._on_lost = on_message, on_lost
        self._ready = threading.Event()
        self._connection = self._channel = None

    def start_and_wait(self):
        self.start()
        if not self._ready.wait(CONNECT_SECONDS) or self._channel is None:
            raise OSError("no connection to the broker")

    def run(self):
        try:
            self._connect()
            self._ready.set()
            self._channel.start_consuming()
        except Exception:  # whatever it is, the service is useless from here on
            traceback.print_exc(file=sys.stderr)
        self._channel = None
        self._ready.set()
        self._on_lost()

    def _connect(self):
        import pika  # not needed where another broker stands in, as in the tests without one
        self._properties = pika.BasicProperties
        parameters = pika.URLParameters(self.url)
        parameters.connection_attempts, parameters.retry_delay = 4 * CONNECT_SECONDS, 0.25
        self._connection = pika.BlockingConnection(parameters)
        channel = self._connection.channel()
        channel.exchange_declare("commands", "direct", durable=True)
        channel.exchange_declare("tasks", "direct", durable=True)
        for name in ("results", "heartbeats"):
            channel.exchange_declare(name, "topic", durable=True)
            channel.queue_declare(name, durable=True)
            channel.queue_bind(name, name, "*." + name)
            channel.basic_consume(name, self._received)
        self._channel = channel

    def _received(self, channel, method, _properties, body):
        try:
            self._on_message(body)
        except Exception:  # one strange message must not end the service
            traceback.print_exc(file=sys.stderr)
        channel.basic_ack(method.delivery_tag)

    def _do(self, work):
        """Runs work(channel) in the thread of the connection and waits for it."""
        if threading.current_thread() is self:
            return work(self._channel)
        done, outcome = threading.Event(), []

        def call():
            try:
                outcome.append((work(self._channel), None))
            except Exception as error:
                outcome.append((None, error))
            done.set()

        self._connection.add_callback_threadsafe(call)
        if not done.wait(30):
            raise OSError("the broker does not answer")
        value, error = outcome[0]
        if error is not None:
            raise error
        return value

    # ---- what the service asks for --------------------------------------------------------------

    def info(self, exchange, queue):
        return {"connection_url": self.url, "exchange": exchange, "queue": queue}

    def publishing_info(self, name, identity):
        key = "%s.%s" % (identity, name)
        return dict(self.info(name, name), queue_publish_kwargs={
            "exchange": name, "routing_key": key, "mandatory": True,
            "properties": {"delivery_mode": PERSISTENT}})

    def add_queue(self, exchange, queue):
        """A queue whose name is its routing key; exchange None: the broker's own."""
        def work(channel):
            channel.queue_declare(queue, durable=True)
            if exchange:
                channel.queue_bind(queue, exchange, queue)
        self._do(work)

    def empty_queue(self, queue):
        self._do(lambda channel: channel.queue_purge(queue))

    def depth(self, queue):
        """Messages that nobody has taken yet."""
        return self._do(lambda channel: channel.queue_declare(
            queue, durable=True, passive=True).method.message_count)

    def publish(self, exchange, queue, body, headers=None, timestamp=None):
        properties = self._properties(content_type="application/json", content_encoding="utf-8",
                                      delivery_mode=PERSISTENT, headers=headers, timestamp=timestamp)
        self._do(lambda channel: channel.basic_publish(exchange or "", queue, body, properties))
