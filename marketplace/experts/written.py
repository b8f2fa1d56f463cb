"""How the words of a profile stand in a table: what the export writes is what an import reads.

Nothing here knows a database, for files are read where there is none.
"""

from typing import Final

from schemas.experts import ServiceWay

SERVICES: Final = {
    ServiceWay.CONSULTING: "技术咨询 · technical consulting",
    ServiceWay.JOINT_RESEARCH: "联合攻关 · joint research",
    ServiceWay.TRANSFER: "成果转化 · bringing results into use",
    ServiceWay.RESIDENCY: "驻企服务 · working at the firm",
    ServiceWay.TRAINING: "人才培养 · training",
    ServiceWay.TESTING: "检测评价 · testing and assessment",
}
"""What the ways of service are called."""
