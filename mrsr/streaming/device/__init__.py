"""What browsers need to enlarge by themselves: onnxruntime-web and graphs of the model that ships."""

from mrsr.streaming.device.graphs import graphs_folder, make_graphs
from mrsr.streaming.device.offer import Offered, offered
from mrsr.streaming.device.runtime import fetch_runtime, runtime_folder

__all__ = ["Offered", "fetch_runtime", "graphs_folder", "make_graphs", "offered", "runtime_folder"]
