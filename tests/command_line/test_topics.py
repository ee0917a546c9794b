"""``metriport-ias topics`` where there is no cluster to ask."""

import pytest

from consumers.main import main
from tests.stack.ports import free_port


@pytest.mark.parametrize("action", ["check", "apply"])
def test_a_cluster_that_does_not_answer_is_told_in_one_line(
    action: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    with pytest.raises(SystemExit) as ended:
        main(["topics", action])
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "metriport-ias: Kafka cannot be used (KafkaConnectionError): see that it runs and that KAFKA_BOOTSTRAP_SERVERS"
        " leads to it, with a login that may do this; then run this again\n"
    )
