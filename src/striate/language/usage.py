"""Korean for the errors of click, which reads the command line."""

USAGE: dict[str, str] = {
    "No such option '{option}'.": "'{option}' 옵션이 없습니다.",
    "No such option '{option}'. (Did you mean one of: {names}?)": (
        "'{option}' 옵션이 없습니다. 혹시 {names} 가운데 하나입니까?"
    ),
    "No such option '{option}'. (Did you mean {name}?)": "'{option}' 옵션이 없습니다. 혹시 {name}입니까?",
    "No such option '{option}'. Did you mean {name}?": "'{option}' 옵션이 없습니다. 혹시 {name}입니까?",
    "Option '{option}' requires an argument.": "'{option}' 옵션에 값이 없습니다.",
    "Option '{option}' does not take a value.": "'{option}' 옵션에는 값을 줄 수 없습니다.",
    "Missing argument '{name}'.": "인자 '{name}'이(가) 없습니다.",
    "Missing option '{name}'.": "'{name}' 옵션이 필요합니다.",
    "Missing command.": "명령이 없습니다.",
    "Got unexpected extra argument ({arguments})": "남는 인자가 있습니다: {arguments}",
    "Got unexpected extra arguments ({arguments})": "남는 인자가 있습니다: {arguments}",
    "No such command '{name}'.": "'{name}' 명령이 없습니다.",
    "Invalid value for '{option}': {problem_text}": "'{option}'의 값이 잘못되었습니다: {problem_text}",
    "Invalid value for {option}: {problem_text}": "{option}의 값이 잘못되었습니다: {problem_text}",
    "'{value}' is not a valid integer.": "'{value}'은(는) 정수가 아닙니다.",
    "'{value}' is not a valid float.": "'{value}'은(는) 숫자가 아닙니다.",
    "{value} is not in the range {range}.": "{value}은(는) 범위 {range}을(를) 벗어났습니다.",
    "File '{path}' is a directory.": "'{path}'은(는) 폴더입니다. 파일이어야 합니다.",
    "Directory '{path}' is a file.": "'{path}'은(는) 파일입니다. 폴더여야 합니다.",
}
