"""``metriport-ias topics`` where there is no cluster to ask."""

import pytest

from consumers.main import main
from tests.stack.ports import free_port


@pytest.mark.parametrize("action", ["check", "apply"])
def test_a_cluster_that_does_not_answer_is_told_in_one_line(
    action: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    servers = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", servers)
    with pytest.raises(SystemExit) as ended:
        main(["topics", action])
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        f"metriport-ias: Kafka at {servers} cannot be asked (KafkaConnectionError)\n"
    )
