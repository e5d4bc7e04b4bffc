# SPDX-License-Identifier: Apache-2.0
"""What the stand-in accepts and refuses of functions, submits and questions for results."""
import json
import unittest

import support
from support import OTHER

NOBODY = "99999999-9999-4999-8999-999999999999"


class Tasks(unittest.TestCase):
    def setUp(self):
        self.standing = support.Standing()
        self.addCleanup(self.standing.close)
        self.broker = self.standing.broker

    def setting(self, **values):
        self.assertEqual(self.standing.control("PUT", "settings", values)[0], 200)

    def one_task(self, **more):
        """Endpoint, function and the id of a task that was sent."""
        endpoint, function = self.standing.endpoint(), self.standing.function()
        status, answer = self.standing.submit(endpoint, function, **more)
        self.assertEqual(status, 200, answer)
        return endpoint, function, answer["tasks"][function][0]

    def status(self, *tasks, client=support.CLIENT):
        return self.standing.call("POST", "/v2/batch_status", {"task_ids": list(tasks)},
                                  client)[1]["results"]

    # ---- functions ---------------------------------------------------------------------------------

    def test_function_is_joined_with_arguments_and_nothing_else(self):
        endpoint, function = self.standing.endpoint(), self.standing.function("é no buffer\n")
        answer = self.standing.submit(endpoint, function, ["not \0 a payload", "ü"],
                                      result_serializers=["a", "b"],
                                      resource_specification={"num_nodes": 1})[1]
        sent = self.broker.tasks()
        self.assertEqual([task["task_buffer"] for _, task, _ in sent],
                         ["é no buffer\nnot \0 a payload", "é no buffer\nü"])
        self.assertEqual([task["task_id"] for _, task, _ in sent], answer["tasks"][function])
        headers = sent[0][2]
        self.assertEqual((headers["function_uuid"], headers["task_uuid"]),
                         (function, answer["tasks"][function][0]))
        self.assertEqual(headers["result_serializers"], ["a", "b"])
        self.assertEqual(headers["resource_specification"], '{"num_nodes": 1}')

    def test_source_without_packing_is_packed(self):
        function = self.standing.function("é", serialized=False)
        self.assertEqual(self.standing.call("GET", "/v2/functions/" + function)[1]["function_code"],
                         "6\nst\nf:é")

    def test_functions_that_are_refused(self):
        good = {"function_name": "f", "function_code": "c", "meta": {
            "python_version": "3", "sdk_version": "4", "serde_identifier": "st"}}
        for name in good:
            with self.subTest(name):
                body = {key: value for key, value in good.items() if key != name}
                status, answer = self.standing.call("POST", "/v3/functions", body)
                self.assertEqual((status, answer["detail"][0]["loc"]), (422, ["body", name]))
        self.setting(max_body=10)
        self.assertEqual(self.standing.call("POST", "/v3/functions", dict(
            good, function_code="x" * 11))[1]["code"], "FUNCTION_TOO_LARGE")

    def test_functions_of_others(self):
        private = self.standing.function(client=OTHER)
        public = self.standing.function(client=OTHER, public=True)
        endpoint = self.standing.endpoint()
        self.assertEqual(self.standing.submit(endpoint, private)[1]["code"], "FUNCTION_ACCESS_FORBIDDEN")
        self.assertEqual(self.standing.submit(endpoint, public)[0], 200)
        self.assertEqual(self.standing.call("DELETE", "/v2/functions/" + public)[0], 403)
        self.assertEqual(self.standing.call("DELETE", "/v2/functions/" + public, client=OTHER)[0], 200)
        self.assertEqual(self.standing.submit(endpoint, public)[1]["code"], "FUNCTION_NOT_FOUND")

    # ---- submits -----------------------------------------------------------------------------------

    def test_submits_that_are_refused(self):
        endpoint, function = self.standing.endpoint(), self.standing.function()
        path = "/v3/endpoints/%s/submit"
        for body, status in (({}, 422), ({"tasks": {}}, 422), ({"tasks": {function: []}}, 422),
                             ({"tasks": {function: [1]}}, 422), ({"tasks": {NOBODY: ["a"]}}, 404),
                             ({"tasks": {function: ["a"]}, "task_group_id": NOBODY}, 404),
                             ({"tasks": {function: ["a"]}, "user_endpoint_config": "x"}, 422)):
            with self.subTest(body):
                self.assertEqual(self.standing.call("POST", path % endpoint, body)[0], status)
        good = {"tasks": {function: ["a"]}}
        self.assertEqual(self.standing.call("POST", path % NOBODY, good)[1]["code"], "ENDPOINT_NOT_FOUND")
        self.assertEqual(self.standing.call("POST", path % "x", good)[1]["code"], "INVALID_UUID")
        self.assertEqual(self.standing.call("POST", path % endpoint, good, OTHER)[0], 403)
        self.assertEqual(self.standing.raw("POST", path % endpoint, json.dumps(good))[0], 401)
        self.assertEqual(self.broker.tasks(), [])

    def test_a_submit_over_ten_megabytes(self):
        endpoint, function = self.standing.endpoint(), self.standing.function()
        status, answer = self.standing.submit(endpoint, function, ["x" * 10000000])
        self.assertEqual((status, answer["code"]), (413, "TASK_PAYLOAD_TOO_LARGE"))
        self.assertEqual(self.standing.submit(endpoint, function, ["x" * 9900000])[0], 200)

    def test_functions_enforced_by_the_service(self):
        allowed, refused = self.standing.function(), self.standing.function()
        endpoint = self.standing.endpoint(allowed_functions=[allowed])
        self.assertEqual(self.standing.call("GET", "/v3/endpoints/%s/allowed_functions" % endpoint)[1],
                         {"endpoint_id": endpoint, "restricted": True, "functions": [allowed]})
        self.assertEqual(self.standing.submit(endpoint, refused)[0], 200)
        self.setting(functions_enforced=True)
        self.assertEqual(self.standing.submit(endpoint, refused)[1]["code"], "FUNCTION_NOT_PERMITTED")
        self.assertEqual(self.standing.submit(endpoint, allowed)[0], 200)

    def test_groups_grow_and_belong_to_somebody(self):
        endpoint, function = self.standing.endpoint(), self.standing.function()
        first = self.standing.submit(endpoint, function)[1]
        group = first["task_group_id"]
        second = self.standing.submit(endpoint, function, task_group_id=group, create_queue=True)[1]
        shown = self.standing.call("GET", "/v2/taskgroup/" + group)[1]
        self.assertEqual([task["id"] for task in shown["tasks"]],
                         first["tasks"][function] + second["tasks"][function])
        self.assertIn((None, "group." + group), self.broker.queues)
        self.assertEqual(self.standing.call("GET", "/v2/taskgroup/" + group, client=OTHER)[0], 403)

    # ---- user endpoints ------------------------------------------------------------------------------

    def test_one_user_endpoint_for_each_configuration(self):
        endpoint, function = self.standing.endpoint(), self.standing.function()
        for config in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}, None):
            self.assertEqual(self.standing.submit(endpoint, function, user_endpoint_config=config)[0], 200)
        queues = [queue for queue, _, _ in self.broker.tasks()]
        self.assertEqual(queues[0], queues[1])
        self.assertEqual(len(set(queues)), 3)

    def test_a_start_that_failed_is_the_answer(self):
        endpoint, function = self.standing.endpoint(), self.standing.function()
        self.broker.start_error = "(ValidationError) 'x' was unexpected"
        status, answer = self.standing.submit(endpoint, function)
        self.assertEqual((status, answer["code"]), (422, "SEMANTICALLY_INVALID"))
        self.assertTrue(answer["detail"].endswith(self.broker.start_error))
        self.assertEqual(self.broker.tasks(), [])
        self.broker.start_error = None
        self.assertEqual(self.standing.submit(endpoint, function)[0], 200)

    def test_a_user_endpoint_that_never_speaks(self):
        self.setting(start_timeout=0.1)
        self.broker.beat = lambda *_, **__: None
        endpoint, function = self.standing.endpoint(beat=False), self.standing.function()
        support.Papers.beat(self.broker, endpoint)
        self.assertEqual(self.standing.submit(endpoint, function)[0], 422)

    def test_tasks_wait_for_an_endpoint_that_is_away(self):
        endpoint, function = self.standing.endpoint(), self.standing.function()
        path = "/v2/endpoints/%s/status" % endpoint
        self.assertEqual(self.standing.call("GET", path)[1]["status"], "online")
        self.broker.beat(endpoint, period=0)
        self.assertEqual(self.standing.call("GET", path)[1]["status"], "offline")
        task = self.standing.submit(endpoint, function)[1]["tasks"][function][0]
        self.assertEqual(self.status(task)[task]["status"], "waiting-for-ep")
        self.assertEqual([one for one in self.broker.published if one[0] == "commands"], [])
        self.broker.start_error = "no such template"
        self.broker.beat(endpoint)
        self.assertEqual(self.status(task)[task]["exception"], "no such template")

    def test_said_to_be_offline(self):
        endpoint = self.standing.endpoint()
        self.setting(offline=[endpoint])
        self.assertEqual(self.standing.call("GET", "/v2/endpoints/%s/status" % endpoint)[1],
                         {"status": "offline"})

    # ---- results -------------------------------------------------------------------------------------

    def test_results_and_failures(self):
        _, _, task = self.one_task()
        self.assertEqual(self.status(task, NOBODY),
                         {task: {"task_id": task, "status": "waiting-for-nodes"}})
        self.broker.result(task, "11\n\"é\"")
        answer = self.status(task)[task]
        self.assertEqual((answer["status"], answer["result"]), ("success", "11\n\"é\""))
        self.assertEqual(answer["details"]["task_transitions"], {"execution-start": 1.5})
        self.assertEqual(self.standing.call("GET", "/v2/tasks/" + task), (200, answer))
        _, _, task = self.one_task()
        self.broker.result(task, "Traceback", {"code": "RemoteExecutionError", "user_message": "m"})
        answer = self.status(task)[task]
        self.assertEqual((answer["status"], answer["exception"]), ("failed", "Traceback"))
        self.assertNotIn("result", answer)

    def test_results_of_others(self):
        _, _, task = self.one_task()
        self.assertEqual(self.status(task, client=OTHER), {})
        self.assertEqual(self.standing.call("GET", "/v2/tasks/" + task, client=OTHER)[0], 404)

    def test_results_delivered_once(self):
        self.setting(results="once")
        _, _, task = self.one_task()
        self.assertIn(task, self.status(task))
        self.broker.result(task)
        self.assertEqual(self.status(task)[task]["status"], "success")
        self.assertEqual(self.status(task), {})
        self.assertEqual(self.standing.call("GET", "/v2/tasks/" + task)[1]["code"], "TASK_NOT_FOUND")

    def test_a_result_that_was_dropped_on_its_way_is_gone(self):
        self.setting(results="once")
        _, _, task = self.one_task()
        self.broker.result(task)
        self.standing.control("PUT", "rules", [{"path": "/v2/batch_status", "action": "drop",
                                                "when": "after"}])
        with self.assertRaises(ConnectionError):
            self.status(task)
        self.assertEqual(self.status(task), {})

    def test_lost_results(self):
        self.setting(results="lost")
        _, _, task = self.one_task()
        self.broker.result(task)
        self.assertEqual(self.status(task)[task]["status"], "waiting-for-nodes")

    def test_results_go_to_the_queue_of_the_group(self):
        endpoint, function = self.standing.endpoint(), self.standing.function()
        answer = self.standing.submit(endpoint, function, create_queue=True)[1]
        self.broker.result(answer["tasks"][function][0], "11\n5")
        prefix = self.standing.call("GET", "/v2/get_amqp_result_connection_url")[1]["queue_prefix"]
        queue, body = self.broker.published[-1][1:3]
        self.assertEqual(queue, prefix + answer["task_group_id"])
        self.assertEqual(support.broker.unpack(body)[1]["data"], "11\n5")

    # ---- what came before ----------------------------------------------------------------------------

    def test_containers_and_the_second_version(self):
        container = {"name": "c", "location": "/x.sif", "description": "", "type": "singularity"}
        made = self.standing.call("POST", "/v2/containers", container)[1]["container_id"]
        self.assertEqual(self.standing.call("POST", "/v2/containers", dict(container, type="apptainer"))[0],
                         422)
        shown = self.standing.call("GET", "/v2/containers/%s/singularity" % made)[1]["container"]
        self.assertEqual((shown["location"], shown["build_status"]), ("/x.sif", "provided"))
        function = self.standing.call("POST", "/v2/functions", {
            "function_name": "f", "function_code": "c", "container_uuid": made})[1]["function_uuid"]
        endpoint = self.standing.call("POST", "/v2/endpoints", {
            "endpoint_name": "old", "endpoint_uuid": NOBODY, "version": "2.2.0"})[1]["endpoint_id"]
        self.assertEqual(endpoint, NOBODY)
        status, answer = self.standing.call("POST", "/v2/submit", {
            "task_group_id": OTHER, "tasks": [[function, endpoint, "a"]]})
        self.assertEqual((status, answer["task_group_id"]), (200, OTHER))
        queue, task, _ = self.broker.tasks()[0]
        self.assertEqual((queue, task["task_buffer"]), (NOBODY + ".tasks", "ca"))
        self.assertEqual(task["container"]["images"][0]["location"], "/x.sif")
        status, answer = self.standing.call("POST", "/v2/submit", {
            "tasks": [[function, endpoint, "a"], [function, OTHER, "a"]]})
        self.assertEqual((status, [one["status"] for one in answer["results"]]),
                         (207, ["success", "Failed"]))

    def test_containers_that_are_gone(self):
        for status in (404, 410, 422):
            with self.subTest(status):
                self.setting(containers=status)
                self.assertEqual(self.standing.call("POST", "/v2/containers", {})[0], status)

    def test_unknown_routes(self):
        self.assertEqual(self.standing.call("GET", "/v4/x"), (404, {"detail": "Not Found"}))
        self.assertEqual(self.standing.call("PUT", "/v2/batch_status"),
                         (405, {"detail": "Method Not Allowed"}))

    def test_the_same_requests_give_the_same_ids(self):
        other = support.Standing()
        self.addCleanup(other.close)
        self.assertEqual(self.standing.function(), other.function())
        self.assertNotEqual(self.standing.function(), self.standing.endpoint())


if __name__ == "__main__":
    unittest.main()
