"""What a control plane can be made to suffer: servers that end, crash or freeze, and come back to the same data."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kinform.testing.control_plane._own_servers import OwnServers

__all__ = ["Disturbances"]


class Disturbances:
    """The part of a ``ControlPlane`` that ends its servers, starts them again, freezes them and compacts their history.

    A frozen server keeps its sockets: connections to it are made, by the system, and never answered.
    ``ControlPlane.stop()`` ends frozen servers, too.
    """

    @property
    def _own(self) -> OwnServers:
        raise NotImplementedError

    def stop_apiserver(self, *, graceful: bool = True) -> None:
        """End the API server and wait until it is gone; etcd goes on with the data.

        Args:
            graceful: End it by SIGTERM: it closes its watches and drains, which takes some seconds. Else by SIGKILL,
                as in a crash.

        Raises:
            ControlPlaneError: The control plane is not started.
        """
        self._own.stop_apiserver(graceful=graceful)

    def start_apiserver(self) -> None:
        """Start the API server again, on the same port and data, and wait until it serves; nothing if it runs.

        Raises:
            ControlPlaneStartError: It ended, or was not ready in time.
            ControlPlaneError: The control plane is not started.
        """
        self._own.start_apiserver()

    def restart_apiserver(self, *, graceful: bool = True) -> None:
        """Stop the API server and start it again, on the same port and data. Blocks for 4 to 10 seconds.

        Args:
            graceful: As for ``stop_apiserver``.

        Raises:
            ControlPlaneStartError: It did not come up again.
            ControlPlaneError: The control plane is not started.
        """
        self.stop_apiserver(graceful=graceful)
        self.start_apiserver()

    def wait_until_ready(self) -> None:
        """Wait until the API server serves and finds its data, such as after ``start_etcd()`` or a thaw.

        Raises:
            ControlPlaneStartError: It ended, or was not ready within ``start_timeout`` seconds.
            ControlPlaneError: It does not run.
        """
        self._own.wait_until_ready()

    def stop_etcd(self, *, graceful: bool = True) -> None:
        """End etcd and wait until it is gone; the API server goes on without it, and refuses almost everything.

        Args:
            graceful: End it by SIGTERM; else by SIGKILL, as in a crash.

        Raises:
            ControlPlaneError: The control plane is not started.
        """
        self._own.stop_etcd(graceful=graceful)

    def start_etcd(self) -> None:
        """Start etcd again, on the same port and data, and wait until it serves; nothing if it runs.

        The API server finds it by itself, within seconds: ``wait_until_ready()``.

        Raises:
            ControlPlaneStartError: It ended, or was not ready in time.
            ControlPlaneError: The control plane is not started.
        """
        self._own.start_etcd()

    def freeze_apiserver(self) -> None:
        """Freeze the API server (SIGSTOP) until ``thaw_apiserver()``: it keeps its connections, and says nothing.

        Raises:
            ControlPlaneError: It does not run.
        """
        self._own.apiserver.freeze()

    def thaw_apiserver(self) -> None:
        """Let the API server go on (SIGCONT); nothing if it is not frozen.

        Raises:
            ControlPlaneError: It does not run.
        """
        self._own.apiserver.thaw()

    def freeze_etcd(self) -> None:
        """Freeze etcd (SIGSTOP) until ``thaw_etcd()``: requests to the API server wait for it.

        Raises:
            ControlPlaneError: It does not run.
        """
        self._own.etcd.freeze()

    def thaw_etcd(self) -> None:
        """Let etcd go on (SIGCONT); nothing if it is not frozen.

        Raises:
            ControlPlaneError: It does not run.
        """
        self._own.etcd.thaw()

    def compact(self) -> int:
        """Compact etcd's history up to now, as the API server does every five minutes; what is older is gone from etcd.

        What the API server keeps in memory it still serves: watches from its window of events, and since v1.34 lists
        from its snapshots, too. With ``apiserver_flags={"watch-cache": "false"}`` it keeps nothing, and every older
        resourceVersion gives 410: watches, exact lists, and the rest of a paged list begun before. (A watch cache
        forgets by ``restart_apiserver()``, compaction or not: a watch from before the restart gives 410.)

        Returns:
            The revision up to which history is gone.

        Raises:
            ControlPlaneError: etcd refused.
        """
        return self._own.etcd.compact()
