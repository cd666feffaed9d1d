"""Makes the workbooks beside it, as other programs write them: for our reader, which our own writer must not be the only one to try.

    pip install openpyxl==3.1.5 xlwt==1.3.0 && python workbooks.py
"""

import datetime

import openpyxl
import xlwt

HEADER = ["序号", "任务流名称", "任务流描述", "任务流目录", "数据日期", "重试次数", "依赖任务流序号(本次新建任务流)", "依赖任务流id(已有任务流)"]
ROWS = [
    [1, "抽取", "当日订单", "零售", datetime.date(2026, 11, 21), 3, None, None],
    [2, "装载", None, "零售/日报", None, 0, 1, None],
    [3, "汇总", None, "零售/日报", None, 1, "1,2", None],
]

book = openpyxl.Workbook()
for row in [HEADER, *ROWS]:
    book.active.append(row)
book.create_sheet("empty")
book.save("flows.xlsx")

book = xlwt.Workbook()
sheet = book.add_sheet("Sheet1")
day = xlwt.easyxf(num_format_str="YYYY/M/D")
for at, row in enumerate([HEADER, *ROWS]):
    for column, value in enumerate(row):
        if isinstance(value, datetime.date):
            sheet.write(at, column, value, day)
        elif value is not None:
            sheet.write(at, column, value)
book.save("flows.xls")

# Many sheets, each with a cell in the last corner that there can be: 26 KB that stand for a thousand million cells.
book = xlwt.Workbook()
for number in range(60):
    sheet = book.add_sheet(f"s{number}")
    sheet.write(0, 0, HEADER[0])
    sheet.write(65535, 255, "x")
book.save("corner.xls")
